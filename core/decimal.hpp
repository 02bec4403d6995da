#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace blobvalet {

/// Digits without leading zeros, which is how clients write a Content-Length; nothing for any other text, and
/// for what does not fit.
[[nodiscard]] inline std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [read_to, error] = std::from_chars(text.data(), end, value);
  const bool is_number = error == std::errc{} && read_to == end;
  const bool leads_with_zero = text.size() > 1 && text.front() == '0';
  return is_number && !leads_with_zero ? std::optional(value) : std::nullopt;
}

}  // namespace blobvalet
