#include "core/uploaded_file.hpp"

#include <algorithm>

#include "core/percent_encoding.hpp"
#include "core/utf8.hpp"
#include "core/uuid.hpp"

namespace blobvalet {
namespace {

constexpr std::size_t kMaxName = 4096;

std::string_view last_segment(std::string_view name) {
  return name.substr(name.rfind('/') + 1);
}

/// What the client has encoded with encodeURIComponent(); empty if it has not, or has to be made up.
std::string decoded(std::string_view metadata) {
  std::string text;
  const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
  const bool is_sound = metadata.size() <= 3 * kMaxName && append_percent_decoded(text, metadata) &&
                        text.size() <= kMaxName && is_utf8(text) && std::ranges::none_of(text, is_control);
  return is_sound ? text : std::string();
}

}  // namespace

std::string file_name(const ListedBlob& blob) {
  std::string name = decoded(blob.filename);
  return name.empty() ? std::string(last_segment(blob.name)) : name;
}

std::string file_uuid(const ListedBlob& blob, const BlobTarget& target) {
  std::string uuid = decoded(blob.uuid);
  if (is_uuid(uuid)) return uuid;
  const std::string_view segment = last_segment(blob.name);
  const std::string_view stem = segment.substr(0, segment.find('.'));
  return is_uuid(stem) ? std::string(stem) : made_uuid(target);
}

std::string made_uuid(const BlobTarget& target) {
  std::string text(target.account);
  text.append("\n").append(target.container.view()).append("\n").append(target.blob.view());
  return uuid_from(text);
}

}  // namespace blobvalet
