#include "core/sas_signature_check.hpp"

#include "core/base64.hpp"
#include "core/sas_field_check.hpp"
#include "core/sas_signers.hpp"
#include "core/signature_search.hpp"

namespace blobvalet {
namespace {

/// Compares the signature with what each key makes of the fields.
class SignatureCheck {
 public:
  SignatureCheck(const SasUrl& url, const SasCircumstances& known, const BlobLocation& location,
                 const std::vector<SignedField>& fields, SasExplanation& explanation)
      : url_(url),
        known_(known),
        location_(location),
        fields_(fields),
        explanation_(explanation),
        found_(explanation.findings) {}

  void run() {
    if (found_.has_fault_in("sig") || is_garbled(url_)) return;
    bool tried = false;
    for (const NamedKey& key : known_.keys) {
      if (key.key == nullptr || !fits_kind(key)) continue;
      try_key(key);
      tried = true;
    }
    if (!tried) {
      explanation_.unchecked.emplace_back("sig: whether it is right (no key for this account is at hand)");
      return;
    }
    if (!explanation_.is_verified) say_what_was_signed();
  }

 private:
  /// A user delegation SAS is made by one very key, which it names.
  [[nodiscard]] bool fits_kind(const NamedKey& named) {
    const auto* delegation = std::get_if<UserDelegationKey>(named.key.get());
    if ((delegation != nullptr) != url_.is_delegation()) return false;
    if (delegation == nullptr) return true;
    const bool same = delegation->object_id == url_.value("skoid") &&
                      delegation->tenant_id == url_.value("sktid") &&
                      delegation->start == url_.value("skt") && delegation->expiry == url_.value("ske") &&
                      delegation->service == url_.value("sks") && delegation->version == url_.value("skv");
    if (!same) {
      found_.note("skt", "made with another user delegation key than the one at hand, which is of " +
                             delegation->start + " to " + delegation->expiry);
    }
    return same;
  }

  void try_key(const NamedKey& named) {
    SignatureSearch search(secret_of(*named.key), url_.value("sig"), fields_);
    if (search.fits()) {
      explanation_.is_verified = true;
      found_.note("sig", "is right: it was made with " + named.name);
    }
  }

  void say_what_was_signed() {
    const std::string_view host_account = std::string_view(url_.host).substr(0, url_.host.find('.'));
    for (const NamedKey& named : known_.keys) {
      if (named.key == nullptr ||
          (std::get_if<UserDelegationKey>(named.key.get()) != nullptr) != url_.is_delegation())
        continue;
      SignatureSearch search(secret_of(*named.key), url_.value("sig"), fields_);
      if (const auto guess = search.search(location_, host_account)) {
        return found_.fault(guess->field, guess->what);
      }
      const SecretBytes text = encode_base64(secret_of(*named.key));
      if (SignatureSearch(text, url_.value("sig"), fields_).fits()) {
        return found_.fault("sig",
                            "was made with the key's base64 text; the key is what that text decodes to");
      }
    }
    found_.fault("sig",
                 "no key of the configuration makes it of these fields: another key (was it regenerated?), "
                 "or a value that was changed after it was signed");
  }

  const SasUrl& url_;
  const SasCircumstances& known_;
  const BlobLocation& location_;
  const std::vector<SignedField>& fields_;
  SasExplanation& explanation_;
  Findings found_;
};

}  // namespace

void check_signature(const SasUrl& url, const SasCircumstances& known, const BlobLocation& location,
                     const std::vector<SignedField>& fields, SasExplanation& explanation) {
  SignatureCheck(url, known, location, fields, explanation).run();
}

}  // namespace blobvalet
