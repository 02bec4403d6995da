#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace blobvalet {

/// Bounds on the callback's form; the configuration's `success`.
struct FormLimits {
  std::size_t max_body_bytes = 65536;
  std::size_t max_fields = 256;
  std::size_t max_depth = 8;  ///< nesting of a key: `a[b][c]` is 3 deep
};

/// The callback's form, parsed. Page code chose every value, so none of them is more than a claim.
struct UploadSuccess {
  std::string blob;       ///< the blob's name as the page gave it
  std::string uuid;       ///< 8-4-4-4-12 hexadecimal digits
  std::string name;       ///< the file's name on the user's machine
  std::string container;  ///< the container URL, perhaps with a prefix path and a slash at the end
  /// The page's own parameters, decoded, in the order sent; nested ones keep their bracketed keys
  /// (`user[n]`).
  std::vector<std::pair<std::string, std::string>> params;

  /// Errors: bad_encoding, bad_request (malformed key, NUL), missing_parameter, duplicate_parameter (any key
  /// that comes twice: the client never does that), too_many_fields, bad_uuid.
  [[nodiscard]] static Result<UploadSuccess> parse(std::string_view form, const FormLimits& limits);

  /// The blob's URI as the signature request gave it: container URL, slash, name.
  [[nodiscard]] std::string blob_uri() const { return container + "/" + blob; }
};

/// True if `content_type` is application/x-www-form-urlencoded, in any case, with no charset or UTF-8 (RFC
/// 9110 section 8.3).
[[nodiscard]] bool is_form_content_type(std::string_view content_type);

}  // namespace blobvalet
