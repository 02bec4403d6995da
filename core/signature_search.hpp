#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hmac.hpp"
#include "core/sas_url.hpp"
#include "core/secret.hpp"
#include "core/string_to_sign.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// Tries what may have been signed in place of the fields that a SAS has: some 10,000 texts, which takes
/// milliseconds. `signature`, the SAS's, outlives it and is told to nobody.
class SignatureSearch {
 public:
  /// What was changed behind the signature's back.
  struct Guess {
    std::string_view field;  ///< as in SignedField
    std::string what;
  };

  SignatureSearch(const SecretBytes& key, std::string_view signature, std::vector<SignedField> fields)
      : hmac_(key), signature_(signature), fields_(std::move(fields)) {}

  /// True if the fields are what was signed.
  [[nodiscard]] bool fits() { return fits_text(string_to_sign(fields_)); }

  /// Nothing if none of it is what was signed. `host_account` is the first label of the URL's host.
  [[nodiscard]] std::optional<Guess> search(const BlobLocation& location, std::string_view host_account);

 private:
  [[nodiscard]] bool fits_text(std::string_view text);
  [[nodiscard]] std::string* field(std::string_view name);
  [[nodiscard]] bool fits_with(std::string_view name, std::string value);
  [[nodiscard]] std::optional<Guess> try_texts();
  [[nodiscard]] std::optional<Guess> try_resources(const BlobLocation& location,
                                                   std::string_view host_account);
  [[nodiscard]] std::optional<Guess> try_values();
  [[nodiscard]] std::optional<Guess> try_times(std::string_view name);
  [[nodiscard]] std::optional<Guess> try_time(std::string_view name, UtcSeconds time);

  HmacSha256 hmac_;
  std::string_view signature_;
  std::vector<SignedField> fields_;
};

}  // namespace blobvalet
