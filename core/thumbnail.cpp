#include "core/thumbnail.hpp"

#include <algorithm>

#include "core/percent_encoding.hpp"

namespace blobvalet {

std::string thumbnail_address(std::string_view url, const BlobTarget& target, std::string_view uuid) {
  std::string result;
  while (!url.empty()) {
    const std::size_t open = std::min(url.find('{'), url.size());
    result.append(url.substr(0, open));
    url.remove_prefix(open);
    if (url.empty()) break;
    const std::size_t close = url.find('}');
    const std::string_view name = url.substr(1, close - 1);
    if (name == "account") result.append(target.account);
    if (name == "container") result.append(target.container.view());
    if (name == "blob") append_path_encoded(result, target.blob.view());
    if (name == "uuid") result.append(uuid);
    url.remove_prefix(close + 1);
  }
  return result;
}

}  // namespace blobvalet
