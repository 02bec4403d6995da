#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace blobvalet {

/// Appends `raw` as a query value: everything but RFC 3986's unreserved characters is percent-encoded.
void append_query_encoded(std::string& out, std::string_view raw);

/// Appends `raw` as the path of a URL: like a query value, but `/` stays.
void append_path_encoded(std::string& out, std::string_view raw);

/// Room that is enough for `bytes` bytes in either encoding: three for each, and one into which the last
/// write may reach.
[[nodiscard]] constexpr std::size_t encoded_room(std::size_t bytes) {
  return 3 * bytes + 1;
}

/// The same two, written at `out`, where encoded_room() is; they return the end.
[[nodiscard]] char* write_query_encoded(char* out, std::string_view raw);
[[nodiscard]] char* write_path_encoded(char* out, std::string_view raw);

/// Appends `encoded` with each `%XX` decoded. False, with `out` in an unspecified state, if an escape is
/// malformed. `+` is an ordinary character.
[[nodiscard]] bool append_percent_decoded(std::string& out, std::string_view encoded);

/// The same for application/x-www-form-urlencoded text (WHATWG URL): `+` is a space.
[[nodiscard]] bool append_form_decoded(std::string& out, std::string_view encoded);

/// The same, and returns what was appended. The buffer must have room for it, so that earlier views into it
/// stay: decoding never makes a text longer.
[[nodiscard]] std::optional<std::string_view> decode_form_behind(std::string& buffer,
                                                                 std::string_view encoded);

}  // namespace blobvalet
