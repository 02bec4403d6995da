#include "core/sas_explanation.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/base64.hpp"
#include "core/blob_target.hpp"
#include "core/ip_address.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_permissions.hpp"
#include "core/sas_signers.hpp"
#include "core/signature_search.hpp"
#include "core/utf8.hpp"

namespace blobvalet {
namespace {

using Level = Finding::Level;
using std::chrono::seconds;

constexpr std::string_view kHexadecimal = "0123456789abcdefABCDEF";

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> texts) {
  return std::ranges::find(texts, text) != texts.end();
}

/// True if `text` holds `%` and two hexadecimal digits.
bool has_escape(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    const std::string_view digits = text.substr(at + 1, 2);
    if (digits.size() == 2 && digits.find_first_not_of(kHexadecimal) == std::string_view::npos) return true;
  }
  return false;
}

std::string duration_text(seconds duration) {
  const auto count = duration.count();
  if (count < 120) return std::to_string(count) + " s";
  if (count < 7200) return std::to_string(count / 60) + " min";
  if (count < 172800) return std::to_string(count / 3600) + " h";
  return std::to_string(count / 86400) + " days";
}

/// In the form of IPv4: `sip` knows no other.
std::optional<IpAddress::Bytes> parse_ipv4(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address || text.find(':') != std::string_view::npos) return std::nullopt;
  return address->bytes();
}

/// None of the fields that a SAS signs as times, letters and the like holds an escape.
bool is_encoded_twice(const SasUrl::Parameter& parameter) {
  const bool is_ours =
      parameter.name.size() <= 7 && parameter.name.starts_with('s') && parameter.name != "sig";
  return is_ours && !parameter.is_malformed && has_escape(parameter.value);
}

/// True if values did not arrive as they were signed, so that there is no use in computing the signature.
bool is_garbled(const SasUrl& url) {
  return std::ranges::any_of(url.parameters, [](const SasUrl::Parameter& parameter) {
    return parameter.is_malformed || is_encoded_twice(parameter);
  });
}

/// Collects what is found.
class Findings {
 public:
  explicit Findings(std::vector<Finding>& findings) : findings_(findings) {}
  void fault(std::string_view field, std::string what) { add(Level::fault, field, std::move(what)); }
  void warning(std::string_view field, std::string what) { add(Level::warning, field, std::move(what)); }
  void note(std::string_view field, std::string what) { add(Level::note, field, std::move(what)); }
  [[nodiscard]] bool has_fault_in(std::string_view field) const {
    return std::ranges::any_of(findings_,
                               [&](const Finding& f) { return f.level == Level::fault && f.field == field; });
  }

 private:
  void add(Level level, std::string_view field, std::string what) {
    findings_.push_back({level, std::string(field), std::move(what)});
  }
  std::vector<Finding>& findings_;
};

/// A field that exists from one service version on.
struct SinceRow {
  std::string_view name;
  std::string_view version;
};
constexpr std::array kSince{
    SinceRow{"ses", "2020-12-06"},     SinceRow{"saoid", "2020-02-10"}, SinceRow{"suoid", "2020-02-10"},
    SinceRow{"scid", "2020-02-10"},    SinceRow{"sdd", "2020-02-10"},   SinceRow{"sduoid", "2025-07-05"},
    SinceRow{"skdutid", "2025-07-05"}, SinceRow{"srh", "2026-04-06"},   SinceRow{"srq", "2026-04-06"}};

constexpr std::array<std::string_view, 7> kDelegationOnly{"saoid",   "suoid", "scid", "sduoid",
                                                          "skdutid", "srh",   "srq"};
constexpr std::array<std::string_view, 6> kKeyFields{"skoid", "sktid", "skt", "ske", "sks", "skv"};

/// The letters any one of which permits a request; empty: it is not known, or needs none.
struct Need {
  std::string_view letters;
  std::string_view request;
};

Need need_of(const SasUrl& url, std::string_view method) {
  const std::string_view comp = url.value("comp");
  if (method == "DELETE")
    return url.has("versionid") ? Need{"x", "Delete Blob of a version"} : Need{"d", "Delete Blob"};
  if (method == "GET" || method == "HEAD") {
    return comp == "tags" ? Need{"t", "Get Blob Tags"} : Need{"r", "reading"};
  }
  if (comp == "block") return {"w", "Put Block"};
  if (comp == "blocklist") return {"w", "Put Block List"};
  if (method != "PUT") return {};
  if (comp == "tags") return {"t", "Set Blob Tags"};
  if (!comp.empty()) return {"w", comp};
  return {"cw", "Put Blob"};
}

/// Checks one SAS, field by field.
class FieldCheck {
 public:
  FieldCheck(const SasUrl& url, const SasCircumstances& known, const BlobLocation& location, UtcSeconds now,
             SasExplanation& explanation)
      : url_(url),
        known_(known),
        location_(location),
        now_(now),
        explanation_(explanation),
        found_(explanation.findings) {}

  void run() {
    check_parameters();
    check_presence();
    check_version();
    check_resource();
    check_permissions();
    check_times();
    check_protocol();
    check_address();
    check_key();
    check_name();
    check_signature_text();
  }

 private:
  void check_parameters() {
    for (auto parameter = url_.parameters.begin(); parameter != url_.parameters.end(); ++parameter) {
      const auto same = [&](const SasUrl::Parameter& p) { return p.name == parameter->name; };
      if (std::find_if(url_.parameters.begin(), parameter, same) != parameter) {
        found_.fault(parameter->name, "stands there twice");
      }
      if (parameter->is_malformed) found_.fault(parameter->name, "has a malformed percent escape");
      if (is_encoded_twice(*parameter)) found_.fault(parameter->name, "has been percent-encoded twice");
    }
  }

  void check_presence() {
    if (url_.has("ss") || url_.has("srt")) {
      found_.note("ss", "this is an account SAS, which blobvalet never makes");
      return;
    }
    for (const std::string_view name : {"sv", "sr"}) {
      if (url_.value(name).empty()) found_.fault(name, "is missing");
    }
    // Azure's error shows all fields but this one.
    if (url_.value("sig").empty() && !url_.host.empty()) found_.fault("sig", "is missing");
    for (const std::string_view name : {"sp", "se"}) {
      if (url_.value(name).empty() && url_.value("si").empty()) found_.fault(name, "is missing");
    }
    if (url_.has("si") && url_.is_delegation()) {
      found_.fault("si", "a user delegation SAS has no stored access policy");
    }
    for (const std::string_view name : kDelegationOnly) {
      if (url_.has(name) && !url_.is_delegation()) found_.fault(name, "belongs to user delegation SAS only");
    }
  }

  void check_version() {
    const std::string_view text = url_.value("sv");
    if (text.empty() || found_.has_fault_in("sv")) return;
    if (!parse_date(text)) return found_.fault("sv", "must be a date such as 2023-11-03");
    if (!SasVersion::parse(text)) {
      explanation_.unchecked.push_back("sv " + std::string(text) + ": fields of versions before " +
                                       std::string(SasVersion::kOldest) + " and after " +
                                       std::string(SasVersion::kNewest) + " are not known here");
      return;
    }
    for (const auto& [name, version] : kSince) {
      if (url_.has(name) && text < version) {
        found_.fault(name, "needs sv " + std::string(version) + " or later, and it is " + std::string(text));
      }
    }
    const bool old = text < "2019-12-12";
    if (old && url_.value("sp").find_first_of("tx") != std::string_view::npos) {
      found_.fault("sp", "letters t and x need sv 2019-12-12 or later, and it is " + std::string(text));
    }
  }

  void check_resource() {
    const std::string_view kind = url_.value("sr");
    if (kind.empty() || found_.has_fault_in("sr")) return;
    if (!is_any_of(kind, {"b", "c", "d", "bs", "bv"})) return found_.fault("sr", "must be b, c, d, bs or bv");
    if (url_.host.empty()) return;
    if (kind != "c" && kind != "d" && location_.blob.empty()) {
      found_.fault("sr", "is for a blob, and the URL names none");
    }
    if (kind == "d" && !url_.has("sdd")) found_.fault("sdd", "is missing, and sr=d needs it");
    if (kind == "bs" && !url_.has("snapshot")) found_.fault("snapshot", "is missing, and sr=bs needs it");
    if (kind == "bv" && !url_.has("versionid")) found_.fault("versionid", "is missing, and sr=bv needs it");
    if (kind == "c") found_.note("sr", "c: it fits every blob of the container, unlike those of blobvalet");
  }

  void check_permissions() {
    const std::string_view letters = url_.value("sp");
    if (letters.empty() || found_.has_fault_in("sp")) return;
    const auto permissions = SasPermissions::parse(letters);
    if (!permissions) return found_.fault("sp", "has an unknown or repeated letter");
    if (permissions->text() != letters) {
      return found_.fault("sp", "letters must stand in the order " + permissions->text());
    }
    const Need need = need_of(url_, known_.method);
    if (known_.method.empty() && need.letters.empty()) {
      explanation_.unchecked.emplace_back("sp: whether it has the letter that the request needs (--method)");
    }
    if (need.letters.empty() || letters.find_first_of(need.letters) != std::string_view::npos) return;
    std::string what("lacks ");
    what.append(need.letters == "cw" ? "c or w" : need.letters).append(" for ").append(need.request);
    if (need.letters == "w" && letters.find('c') != std::string_view::npos) {
      what.append("; c alone makes new blobs in one piece only");
    }
    found_.fault("sp", std::move(what));
  }

  std::optional<UtcSeconds> time_of(std::string_view name) {
    const std::string_view text = url_.value(name);
    if (text.empty() || found_.has_fault_in(name)) return std::nullopt;
    const auto time = parse_sas_time(text);
    if (!time) found_.fault(name, "must look like 2026-03-01T12:15:00Z");
    return time;
  }

  void check_times() {
    const auto start = time_of("st");
    const auto expiry = time_of("se");
    if (start && expiry && *start >= *expiry) found_.fault("st", "is not before se");
    if (start && *start > now_) {
      found_.fault("st", "is not valid yet, for " + duration_text(*start - now_) +
                             ": a clock that is ahead, or sas.start_backdate_seconds");
    }
    if (expiry && *expiry <= now_) {
      found_.fault("se", "expired " + duration_text(now_ - *expiry) +
                             " ago: sas.put_lifetime_seconds must cover the wait in the page's queue");
    }
  }

  void check_protocol() {
    const std::string_view protocol = url_.value("spr");
    if (protocol.empty() || found_.has_fault_in("spr")) return;
    if (!is_any_of(protocol, {"https", "https,http"})) {
      return found_.fault("spr", "must be https or https,http");
    }
    if (protocol == "https" && url_.scheme == "http") {
      found_.fault("spr", "allows https only, and the URL is http: AuthorizationProtocolMismatch");
    }
  }

  void check_address() {
    const std::string_view range = url_.value("sip");
    if (range.empty() || found_.has_fault_in("sip")) return;
    const std::size_t dash = range.find('-');
    const auto first = parse_ipv4(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_ipv4(range.substr(dash + 1));
    if (!first || !last) return found_.fault("sip", "must be an IPv4 address, or two joined by -");
    if (*first > *last) return found_.fault("sip", "its first address is above its last");
    if (known_.remote_addr.empty()) {
      explanation_.unchecked.emplace_back("sip: whether the client's address is in it (--remote-addr)");
      return;
    }
    const auto address = parse_ipv4(known_.remote_addr);
    if (!address) return found_.fault("sip", "the client's address is not IPv4");
    if (*address < *first || *address > *last) {
      found_.fault(
          "sip", known_.remote_addr + " is not in " + std::string(range) + ": AuthorizationSourceIPMismatch");
    }
  }

  void check_key() {
    if (!url_.is_delegation()) return;
    for (const std::string_view name : kKeyFields) {
      if (url_.value(name).empty()) found_.fault(name, "is missing");
    }
    if (url_.has("sks") && url_.value("sks") != "b") found_.fault("sks", "must be b");
    if (url_.has("skv") && !parse_date(url_.value("skv")))
      found_.fault("skv", "must be a date such as 2023-11-03");
    const auto start = time_of("skt");
    const auto end = time_of("ske");
    const auto expiry = parse_sas_time(url_.value("se"));
    if (start && *start > now_) found_.fault("skt", "the user delegation key is not valid yet: a clock?");
    if (end && *end <= now_)
      found_.fault("ske", "the user delegation key expired " + duration_text(now_ - *end) + " ago");
    if (end && expiry && *end < *expiry)
      found_.fault("se", "is later than ske, the end of the user delegation key");
    if (start && end && *end - *start > std::chrono::days(7)) {
      found_.warning("ske", "is more than seven days after skt: Azure gives no key for longer");
    }
  }

  void check_name() {
    if (url_.host.empty()) return;
    const std::string_view encoded = location_.encoded_blob;
    if (!location_.container.empty() && !ContainerName::parse(location_.container)) {
      found_.fault("container", quoted_value(location_.container) + " is no container's name");
    }
    if (encoded.empty()) return;
    std::string decoded;
    if (!append_percent_decoded(decoded, encoded)) {
      return found_.fault("blob", "has a malformed percent escape: a % in a name is %25 in a URL");
    }
    if (has_escape(location_.blob)) {
      found_.warning("blob", "decoded it still holds an escape: " + quoted_value(location_.blob) +
                                 "; either that is its name, or the URL was encoded twice");
    }
    if (encoded.find_first_of(" ?#") != std::string_view::npos) {
      found_.fault("blob", "has a raw blank, ? or #, which must be encoded");
    }
    const auto name = BlobName::parse(location_.blob);
    if (!name) found_.fault("blob", std::string(name.error().what.view()));
    if (name && name->has_empty_segment()) {
      found_.warning("blob", "has an empty segment (//): does request.endpoint end with a slash?");
    }
  }

  void check_signature_text() {
    const auto parameter = std::ranges::find(url_.parameters, "sig", &SasUrl::Parameter::name);
    if (parameter == url_.parameters.end() || parameter->value.empty() || found_.has_fault_in("sig")) return;
    const std::string_view text = parameter->value;
    if (parameter->raw.find('+') != std::string_view::npos) {
      return found_.fault("sig", "has a raw +, which is read as a blank: it must be %2B");
    }
    if (text.find(' ') != std::string_view::npos) {
      return found_.fault("sig", "has a blank where a + was: somebody decoded it once too often");
    }
    if (has_escape(text)) return found_.fault("sig", "has been percent-encoded twice");
    const auto size = decoded_base64_size(text);
    if (!size || *size != 32) {
      found_.fault("sig", "is no base64 of 32 bytes (" + std::to_string(text.size()) +
                              " characters, not 44): cut off?");
    }
  }

  const SasUrl& url_;
  const SasCircumstances& known_;
  const BlobLocation& location_;
  UtcSeconds now_;
  SasExplanation& explanation_;
  Findings found_;
};

/// Why a canonicalized resource may be another one.
std::string resource_hint(std::string_view ours, std::string_view azures) {
  const std::string once = decoded_or_same(azures);
  if (once != azures && once == ours)
    return "; Azure read a name that was encoded once more than it should be";
  if (decoded_or_same(ours) == azures && ours != azures)
    return "; the name in the URL is encoded once too often";
  if (lower_case(ours) == lower_case(azures)) return "; they differ in upper and lower case, which counts";
  std::string slashes(ours);
  std::ranges::replace(slashes, '\\', '/');
  if (slashes == azures) return "; Azure turns a backslash into a slash";
  const std::size_t container = azures.find('/', std::min<std::size_t>(6, azures.size()));
  const std::size_t our_container = ours.find('/', std::min<std::size_t>(6, ours.size()));
  if (container != std::string_view::npos && our_container != std::string_view::npos &&
      azures.substr(container) == ours.substr(our_container)) {
    return "; the account is another one: accounts[].name must be the account's own name, not an alias of it";
  }
  return {};
}

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

/// Puts Azure's fields beside ours, and says where they differ first.
void compare(const std::vector<SignedField>& ours, const AzureError* error, SasExplanation& explanation) {
  Findings found(explanation.findings);
  for (const SignedField& field : ours)
    explanation.fields.push_back({field.name, field.value, std::nullopt});
  if (error == nullptr || !error->string_to_sign) return;
  const ReadStringToSign azures = read_string_to_sign(*error->string_to_sign);
  if (azures.is_account_sas)
    return found.note("sig", "Azure took it for an account SAS, or the text is incomplete");
  if (azures.is_collapsed) {
    std::vector<SignedField> filled;
    std::ranges::copy_if(ours, std::back_inserter(filled),
                         [](const SignedField& f) { return !f.value.empty(); });
    for (std::size_t i = 0; i < std::max(filled.size(), azures.fields.size()); ++i) {
      const std::string theirs = i < azures.fields.size() ? azures.fields[i].value : "";
      if (i < filled.size() && filled[i].value == theirs) continue;
      const std::string_view name = i < filled.size() ? filled[i].name : std::string_view("rsct");
      return found.fault(name, "is " + quoted_value(i < filled.size() ? filled[i].value : "") + " here and " +
                                   quoted_value(theirs) + " in Azure's string-to-sign");
    }
    return found.note(
        "sig", "Azure's string-to-sign, whose empty lines got lost on the way here, holds the same values");
  }
  bool differs = false;
  for (ComparedField& field : explanation.fields) {
    const auto theirs = std::ranges::find(azures.fields, field.name, &SignedField::name);
    if (theirs == azures.fields.end()) continue;
    field.azures = theirs->value;
    if (differs || field.ours == theirs->value) continue;
    differs = true;
    std::string what("is " + quoted_value(field.ours) + " here and " + quoted_value(theirs->value) +
                     " in Azure's string-to-sign");
    if (field.name == "resource") what.append(resource_hint(field.ours, theirs->value));
    found.fault(field.name, std::move(what));
  }
  if (!differs && azures.fields.size() != ours.size()) {
    found.fault("sv", "Azure signs " + std::to_string(azures.fields.size()) + " fields, and " +
                          std::to_string(ours.size()) + " are expected");
  } else if (!differs) {
    found.note("sig", "Azure computed the signature of the very same fields");
  }
}

/// What the code means; first, so that a reader knows what it is about.
void describe(const AzureError& error, Findings& found) {
  const AzureErrorRow* row = find_azure_error(error.code);
  if (row == nullptr) return found.note(error.code, "a code that is not known here");
  std::string what(row->means);
  found.note(error.code, what.append("; look at: ").append(row->mend));
  const bool times = error.detail.find("time frame") != std::string::npos;
  if (times) found.fault("se", "Azure: " + error.detail);
}

UtcSeconds time_of(const SasCircumstances& known) {
  if (!known.error) return known.now;
  // Azure's own clock, and the moment of the refusal.
  return parse_utc(known.error->time).value_or(known.now);
}

}  // namespace

bool SasExplanation::has_fault() const {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.level == Finding::Level::fault; });
}

SasExplanation explain_sas(const SasUrl& url, const SasCircumstances& circumstances) {
  SasExplanation explanation;
  Findings found(explanation.findings);
  if (circumstances.error) describe(*circumstances.error, found);
  const BlobLocation location = locate(url, circumstances.endpoint_path, circumstances.account);
  FieldCheck(url, circumstances, location, time_of(circumstances), explanation).run();

  const auto version = SasVersion::parse(url.value("sv"));
  const bool is_account_sas = url.has("ss") || url.has("srt");
  if (!version || is_account_sas || url.host.empty()) {
    explanation.unchecked.emplace_back(
        "the string-to-sign, which takes the whole URL of a service or user delegation SAS");
    return explanation;
  }
  if (url.has("srh") && circumstances.headers.empty()) {
    explanation.unchecked.emplace_back("srh: the values of the bound headers (--header)");
  }
  const auto fields = signed_fields(url, location, *version, circumstances.headers);
  compare(fields, circumstances.error ? &*circumstances.error : nullptr, explanation);
  SignatureCheck(url, circumstances, location, fields, explanation).run();
  return explanation;
}

SasExplanation explain_error(const SasCircumstances& circumstances) {
  SasExplanation explanation;
  Findings found(explanation.findings);
  const AzureError& error = *circumstances.error;
  describe(error, found);
  if (!error.string_to_sign) return explanation;
  const ReadStringToSign azures = read_string_to_sign(*error.string_to_sign);
  if (azures.is_account_sas) {
    found.note("sig",
               "the string-to-sign is an account SAS's, which blobvalet never makes, or is incomplete");
    return explanation;
  }
  for (const SignedField& field : azures.fields)
    explanation.fields.push_back({field.name, field.value, field.value});
  SasUrl url;
  for (const SignedField& field : azures.fields) {
    if (field.name != "resource" && field.name != "snapshot" && !field.value.empty())
      url.parameters.push_back({std::string(field.name), field.value, {}, false});
  }
  if (!azures.is_collapsed) {
    BlobLocation nowhere;
    FieldCheck(url, circumstances, nowhere, time_of(circumstances), explanation).run();
  }
  explanation.unchecked.emplace_back("sig: the URL that was refused is needed for that");
  return explanation;
}

}  // namespace blobvalet
