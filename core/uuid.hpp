#pragma once
#include <string>
#include <string_view>

namespace blobvalet {

/// True for 8-4-4-4-12 hexadecimal digits, whatever they mean.
[[nodiscard]] bool is_uuid(std::string_view text);

/// The same UUID for the same text always (RFC 9562 version 8, of its SHA-256).
[[nodiscard]] std::string uuid_from(std::string_view text);

}  // namespace blobvalet
