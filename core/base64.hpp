#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "core/secret.hpp"

namespace blobvalet {

/// Strict base64 with padding (RFC 4648 section 4): no white space, no missing padding, no stray bits in the
/// last character. Nothing if `text` is anything else or empty.
[[nodiscard]] std::optional<SecretBytes> decode_base64(std::string_view text);

/// How many bytes such a text holds, without decoding it; nothing for the same texts.
[[nodiscard]] std::optional<std::size_t> decoded_base64_size(std::string_view text);

/// A SHA-256 digest in base64: 44 characters, the last of which is `=`.
[[nodiscard]] std::array<char, 44> encode_base64(std::span<const unsigned char, 32> digest);

/// A secret of any size in base64.
[[nodiscard]] SecretBytes encode_base64(const SecretBytes& bytes);

}  // namespace blobvalet
