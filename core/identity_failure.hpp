#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/http_client.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// Why there is no bearer token or no user delegation key.
struct IdentityFailure {
  std::string reason;            ///< for the operator, in log and health: printable ASCII without any secret
  bool is_final = false;         ///< waiting does not help: somebody has to mend the configuration
  bool is_unauthorized = false;  ///< the service does not take the bearer token: forget it
  std::chrono::seconds retry_after{0};  ///< trying again earlier is useless; 0: the service does not say
  std::optional<UtcSeconds> server_time = {};  ///< the answer's `Date`
};

/// `<who> cannot be reached` and the like. Final if the certificate is not trusted.
[[nodiscard]] IdentityFailure no_answer(std::string_view who, HttpFailure failure);

/// True for what a secret may be sent to: `https://`, or `http://` at this machine itself (`127.0.0.1`,
/// `localhost`, `[::1]`). The rest of the URL holds neither user names, query nor fragment.
[[nodiscard]] bool is_confidential_url(std::string_view url);

/// True for text that can stand in a header or a URL: printable ASCII without blanks, and not empty.
[[nodiscard]] bool is_printable(std::string_view text);

/// The first line of a text of unknown origin, at most 200 characters of it, `?` in place of all that is not
/// printable ASCII.
[[nodiscard]] std::string first_line(std::string_view text);

}  // namespace blobvalet
