#pragma once
#include <string>

#include "core/blob_list_page.hpp"
#include "core/blob_target.hpp"

namespace blobvalet {

// What Fine Uploader is told of a blob that it has uploaded some day. All of it is the uploader's own word,
// and nothing is granted by it.

/// The name that the file had on the user's machine: metadata `qqfilename`, or the last segment of the blob's
/// name if that is missing, malformed, or holds what no file name does.
[[nodiscard]] std::string file_name(const ListedBlob& blob);

/// The file's UUID: metadata `qquuid`, the blob's name where that is `<uuid>.<extension>` (Fine Uploader's
/// usual names), or one that is made of account, container and name.
[[nodiscard]] std::string file_uuid(const ListedBlob& blob, const BlobTarget& target);

/// The one that is made.
[[nodiscard]] std::string made_uuid(const BlobTarget& target);

}  // namespace blobvalet
