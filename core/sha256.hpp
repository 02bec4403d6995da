#pragma once
#include <array>
#include <span>
#include <string>
#include <string_view>

namespace blobvalet {

/// SHA-256 (FIPS 180-4) in 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view text);
/// The same without a string; allocates nothing.
[[nodiscard]] std::array<char, 64> sha256_digits(std::string_view text);
/// The same in its 32 bytes.
[[nodiscard]] std::array<unsigned char, 32> sha256(std::span<const unsigned char> bytes);

}  // namespace blobvalet
