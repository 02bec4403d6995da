#pragma once
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/access_token.hpp"
#include "core/http_client.hpp"
#include "core/static_text.hpp"

namespace blobvalet {

/// Reads the JSON with which Entra and the managed identity services give a token: `access_token`,
/// `token_type` (Bearer, or absent), and `expires_in` (seconds) or else `expires_on` (seconds since 1970);
/// perhaps `refresh_in`. Numbers may be texts. `json` is read in place and wiped. The error says what is
/// wrong with it.
[[nodiscard]] tl::expected<AccessToken, StaticText> read_token(std::string& json, UtcSeconds now);

/// What the JSON of a refusal says: `invalid_client: AADSTS7000215: Invalid client secret provided.` The
/// first part is `error` if that is `[a-z_]{1,64}`; the second is the first line of `error_description` or
/// `message`, at most 200 printable characters. Either may be missing. A description that repeats anything of
/// `secret`, which was sent, or shows a token is left out. `json` is read in place and wiped.
[[nodiscard]] std::string refusal_text(std::string& json, std::string_view secret);

}  // namespace blobvalet
