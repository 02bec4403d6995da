#include "core/config_fault.hpp"

#include <algorithm>

namespace blobvalet {

std::string printable_key(std::string_view key) {
  constexpr std::size_t kLongest = 32;
  if (key.size() > kLongest) return "(a key of " + std::to_string(key.size()) + " characters)";
  std::string text(key);
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  std::ranges::replace_if(text, is_control, '?');
  return text;
}

}  // namespace blobvalet
