#pragma once
#include <string>
#include <string_view>

namespace blobvalet {

/// SHA-256 (FIPS 180-4) in 64 lower-case hexadecimal digits. Throws std::runtime_error if OpenSSL fails.
[[nodiscard]] std::string sha256_hex(std::string_view text);

}  // namespace blobvalet
