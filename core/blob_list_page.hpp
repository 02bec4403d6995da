#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/utc_time.hpp"

namespace blobvalet {

/// One blob of a listing. Whoever uploaded it chose all but size, kind and date.
struct ListedBlob {
  std::string name;
  std::uint64_t size_bytes = 0;
  UtcSeconds modified{};
  std::string content_type;
  std::string filename;  ///< metadata `qqfilename`, percent-encoded as the client sent it; empty: none
  std::string uuid;      ///< metadata `qquuid`, likewise
};

/// What Azure answers to List Blobs ("List Blobs", learn.microsoft.com): a page of a container's blobs in the
/// order of their names, and where the next one begins.
struct BlobListPage {
  /// Files as Fine Uploader stores them: block blobs that are committed, current and not deleted. Directories
  /// and names that XML cannot hold are left out.
  std::vector<ListedBlob> blobs;
  std::size_t entries = 0;  ///< blobs on the page, those left out included
  std::string next_marker;  ///< empty: this was the last page

  /// Nothing if `xml`, which is used up, is not such an answer with at most `max_entries` blobs. Entities
  /// beyond those of XML itself, and document types, are refused.
  [[nodiscard]] static std::optional<BlobListPage> parse(std::string& xml, std::size_t max_entries);
};

}  // namespace blobvalet
