#pragma once
#include <algorithm>
#include <string>
#include <string_view>

namespace blobvalet {

/// `text == constant` and `text.starts_with(constant)`, which the compiler writes out without a call where
/// `constant` is one: for what every request is asked.
[[nodiscard]] constexpr bool equals(std::string_view text, std::string_view constant) {
  return text.size() == constant.size() &&
         std::char_traits<char>::compare(text.data(), constant.data(), constant.size()) == 0;
}
[[nodiscard]] constexpr bool begins_with(std::string_view text, std::string_view constant) {
  return text.size() >= constant.size() &&
         std::char_traits<char>::compare(text.data(), constant.data(), constant.size()) == 0;
}

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
