#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/utc_time.hpp"

namespace blobvalet {

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the form of HTTP dates that RFC 9110 section 5.6.7 prefers; nothing
/// for any other text or for a date that does not exist. The day of the week is not compared with the date.
[[nodiscard]] std::optional<UtcSeconds> parse_http_date(std::string_view text);

/// The same form of `time`, whose year has four digits.
[[nodiscard]] std::string http_date(UtcSeconds time);

}  // namespace blobvalet
