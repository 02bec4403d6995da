#pragma once
#include <string>
#include <string_view>

#include "core/blob_target.hpp"

namespace blobvalet {

/// The address that a thumbnail's template stands for: each `{name}` in `url` is replaced. The configuration
/// has checked that there are no others than account, container, blob and uuid.
[[nodiscard]] std::string thumbnail_address(std::string_view url, const BlobTarget& target,
                                            std::string_view uuid);

}  // namespace blobvalet
