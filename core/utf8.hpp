#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace blobvalet {

/// Takes one code point off the front of `text`; nothing if the bytes are not well-formed UTF-8 (RFC 3629:
/// no overlong forms, no surrogates, nothing above U+10FFFF). `text` must not be empty.
[[nodiscard]] std::optional<char32_t> take_code_point(std::string_view& text);

/// True if all of `text` is well-formed UTF-8.
[[nodiscard]] bool is_utf8(std::string_view text);

/// `text` with a `?` for every byte beyond ASCII.
[[nodiscard]] std::string ascii_only(std::string_view text);

}  // namespace blobvalet
