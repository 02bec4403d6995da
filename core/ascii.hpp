#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace blobvalet {

/// A-Z in lower case; any other byte, of UTF-8 too, as it is. Knows no locale.
[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// The same for a whole text.
[[nodiscard]] inline std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), to_lower);
  return lower;
}

}  // namespace blobvalet
