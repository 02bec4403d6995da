#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "core/upload_hints.hpp"

namespace blobvalet {

/// What the holder of a SAS may do with the blob.
enum class BlobVerb : std::uint8_t { put, del };

/// `PUT` or `DELETE`.
[[nodiscard]] std::string_view name_of(BlobVerb verb);

/// Exactly `PUT` or `DELETE`; nothing for any other text, other case included.
[[nodiscard]] std::optional<BlobVerb> parse_blob_verb(std::string_view text);

/// The query of a signature request: `_method` and `bloburi`, in any order and each exactly once, and perhaps
/// hints, each at most once. All other parameters (`qqtimestamp`, or what the page's own endpoint URL
/// carries) are ignored.
struct SignatureRequest {
  BlobVerb verb;
  std::string_view blob_uri;  ///< decoded; as all views, it points into the buffer given to parse()
  UploadHints hints = {};

  /// Errors: missing_parameter, duplicate_parameter, bad_encoding, bad_method, bad_request (a hint).
  [[nodiscard]] static Result<SignatureRequest> parse(std::string_view query, std::string& buffer);
};

}  // namespace blobvalet
