#include "core/signature_search.hpp"

#include <algorithm>
#include <chrono>

#include "core/base64.hpp"

namespace blobvalet {
namespace {

SignatureSearch::Guess changed(std::string_view name, std::string_view value) {
  return {name, "was changed after it was signed: the signature is for " + quoted_value(value)};
}

}  // namespace

std::optional<SignatureSearch::Guess> SignatureSearch::search(const BlobLocation& location,
                                                              std::string_view host_account) {
  if (auto guess = try_texts()) return guess;
  if (auto guess = try_resources(location, host_account)) return guess;
  if (auto guess = try_values()) return guess;
  for (const std::string_view name : {"se", "st"}) {
    if (auto guess = try_times(name)) return guess;
  }
  return std::nullopt;
}

bool SignatureSearch::fits_text(std::string_view text) {
  const auto signature = encode_base64(hmac_(text));
  return std::string_view(signature.data(), signature.size()) == signature_;
}

std::string* SignatureSearch::field(std::string_view name) {
  const auto found = std::ranges::find(fields_, name, &SignedField::name);
  return found == fields_.end() ? nullptr : &found->value;
}

bool SignatureSearch::fits_with(std::string_view name, std::string value) {
  std::string* tried = field(name);
  if (tried == nullptr || *tried == value) return false;
  tried->swap(value);
  const bool result = fits();
  tried->swap(value);
  return result;
}

std::optional<SignatureSearch::Guess> SignatureSearch::try_texts() {
  if (fits_text(string_to_sign(fields_) + "\n")) {
    return Guess{"sig", "was computed with a line feed behind the last field"};
  }
  std::vector<SignedField> shorter = fields_;
  shorter.pop_back();
  if (fits_text(string_to_sign(shorter)))
    return Guess{"rsct", "the last field was left out when it was signed"};
  std::vector<SignedField> without_scope = fields_;
  std::erase_if(without_scope, [](const SignedField& f) { return f.name == "ses"; });
  if (fits_text(string_to_sign(without_scope))) {
    return Guess{"ses", "its field was left out when it was signed: that is the form before 2020-12-06"};
  }
  return std::nullopt;
}

std::optional<SignatureSearch::Guess> SignatureSearch::try_resources(const BlobLocation& location,
                                                                     std::string_view host_account) {
  const std::string root("/blob/" + location.account + "/" + location.container);
  if (fits_with("resource", root + "/" + location.encoded_blob)) {
    return Guess{"resource", "the encoded name was signed: the name must be decoded"};
  }
  if (fits_with("resource", root + "/" + decoded_or_same(location.blob))) {
    return Guess{"resource", "the name was encoded once more after it was signed"};
  }
  if (fits_with("resource", root))
    return Guess{"resource", "the container was signed, and sr says that it is a blob"};
  if (fits_with("resource",
                "/blob/" + std::string(host_account) + "/" + location.container + "/" + location.blob)) {
    return Guess{"resource", "was signed with the account name of the host, " + std::string(host_account)};
  }
  if (fits_with("resource", root.substr(5) + "/" + location.blob)) {
    return Guess{"resource", "was signed without /blob in front"};
  }
  return std::nullopt;
}

std::optional<SignatureSearch::Guess> SignatureSearch::try_values() {
  for (const std::string_view protocol : {"", "https", "https,http"}) {
    if (fits_with("spr", std::string(protocol))) return changed("spr", protocol);
  }
  for (const std::string_view kind : {"b", "c", "d", "bs", "bv"}) {
    if (fits_with("sr", std::string(kind))) return changed("sr", kind);
  }
  for (const std::string_view name :
       {"st", "se", "si", "sip", "ses", "rscc", "rscd", "rsce", "rscl", "rsct", "scid"}) {
    if (fits_with(name, "")) return changed(name, "");
  }
  // All sets of the letters that blobs know.
  constexpr std::string_view kLetters = "racwdxt";
  for (unsigned set = 0; set < 1U << kLetters.size(); ++set) {
    std::string letters;
    for (std::size_t i = 0; i < kLetters.size(); ++i) {
      if ((set >> i & 1U) != 0) letters.push_back(kLetters[i]);
    }
    if (fits_with("sp", letters)) return changed("sp", letters);
  }
  return std::nullopt;
}

/// Whoever prolongs a SAS changes hours or days, and a clock or a rounding some minutes.
std::optional<SignatureSearch::Guess> SignatureSearch::try_times(std::string_view name) {
  const std::string* value = field(name);
  const auto time = value == nullptr ? std::nullopt : parse_sas_time(*value);
  if (!time) return std::nullopt;
  constexpr std::chrono::minutes kNear{15};
  constexpr std::chrono::days kFar{31};
  for (auto other = *time - kNear; other <= *time + kNear; ++other) {
    if (auto guess = try_time(name, other)) return guess;
  }
  for (auto other = *time - kFar; other <= *time + kFar; other += std::chrono::hours(1)) {
    if (auto guess = try_time(name, other)) return guess;
  }
  return std::nullopt;
}

std::optional<SignatureSearch::Guess> SignatureSearch::try_time(std::string_view name, UtcSeconds time) {
  const UtcText text(time);
  if (!fits_with(name, std::string(text.view()))) return std::nullopt;
  return changed(name, text.view());
}

}  // namespace blobvalet
