#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/http.hpp"
#include "core/sas_url.hpp"
#include "core/sas_version.hpp"

namespace blobvalet {

/// One field of the text whose HMAC is a SAS's signature, under the name of its query parameter. The
/// canonicalized resource is called `resource`, the bound headers and query parameters `srh` and `srq`.
struct SignedField {
  std::string_view name;
  std::string value;
  bool operator==(const SignedField&) const = default;
};

/// The fields' names, in their order, for one version and kind of SAS: those that append_string_to_sign()
/// writes.
[[nodiscard]] std::vector<std::string_view> signed_field_names(const SasVersion& version, bool is_delegation);

/// What Azure computes the signature of for `url`, which addresses `location`. Values of bound headers are
/// not in a URL, they come from `headers` (names in lower case).
[[nodiscard]] std::vector<SignedField> signed_fields(const SasUrl& url, const BlobLocation& location,
                                                     const SasVersion& version,
                                                     std::span<const NamedValue> headers);

/// The fields joined by line feeds, with none at the end.
[[nodiscard]] std::string string_to_sign(std::span<const SignedField> fields);

/// Reads such a text, as Azure's error shows it, back into fields. What copying does to it is forgiven: empty
/// lines lost at the end, or (then `is_collapsed`) anywhere.
struct ReadStringToSign {
  std::vector<SignedField> fields;
  bool is_collapsed = false;  ///< empty fields are missing; the rest is named by guess
  bool is_account_sas = false;
};
/// Version and kind are taken from the text itself; nothing is read of one that is neither a service nor a
/// user delegation SAS's.
[[nodiscard]] ReadStringToSign read_string_to_sign(std::string_view text);

}  // namespace blobvalet
