#include "core/form_urlencoded.hpp"

#include <algorithm>

namespace blobvalet {
namespace {

/// Cuts `text` at the first `separator`, which is dropped, and returns what stood before it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return head;
}

}  // namespace

std::optional<FormPair> FormReader::next() {
  while (!rest_.empty()) {
    std::string_view pair = take_until(rest_, '&');
    if (pair.empty()) continue;
    const std::string_view name = take_until(pair, '=');
    return FormPair{name, pair};
  }
  return std::nullopt;
}

}  // namespace blobvalet
