#pragma once
#include <span>
#include <string>

namespace blobvalet {

/// `bytes` in lower-case hexadecimal digits.
[[nodiscard]] inline std::string hexadecimal(std::span<const unsigned char> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned byte : bytes)
    text.append({kDigits[byte / 16U], kDigits[byte % 16U]});
  return text;
}

}  // namespace blobvalet
