#pragma once
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace blobvalet {

/// The query of a request for Fine Uploader's initial file list: `container`, exactly once, which is the
/// page's request.endpoint. Fine Uploader puts a slash and an item's `blobName` behind it when the file is
/// deleted, so names in the answer depend on it. All other parameters are ignored.
struct SessionRequest {
  std::string_view container;  ///< decoded; points into the buffer given to parse()

  /// Errors: missing_parameter, duplicate_parameter, bad_encoding.
  [[nodiscard]] static Result<SessionRequest> parse(std::string_view query, std::string& buffer);
};

}  // namespace blobvalet
