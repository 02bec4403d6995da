#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "core/access_token.hpp"
#include "core/http_retry.hpp"
#include "core/identity_failure.hpp"
#include "core/signing_key.hpp"

namespace blobvalet {

/// A span of time, the end of which does not belong to it.
struct TimeSpan {
  UtcSeconds start;
  UtcSeconds expiry;
};

/// A user delegation key, fresh from Azure.
struct FetchedDelegationKey {
  UserDelegationKey key;
  std::optional<UtcSeconds> server_time;  ///< the answer's `Date`, to measure the clock's skew with
};

/// Asks storage accounts for user delegation keys ("Get User Delegation Key", learn.microsoft.com). Not for
/// use by two threads at once.
class DelegationKeyClient {
 public:
  /// All three outlive it.
  DelegationKeyClient(Http& http, Timer& timer, const Clock& clock)
      : sender_(http, timer, clock), timer_(timer), clock_(clock) {}

  /// The key for `wanted`, which holds this moment and lasts at most 7 days from now. `account_url` is the
  /// blob endpoint without a slash at its end, https (or http at this machine itself), since the token is
  /// sent there; `ca_file` holds the certificates to trust in place of the system's, if it is not empty.
  /// Tries for up to 30 seconds.
  ///
  /// Failures: unauthorized (the token is not taken); final (Azure refuses for a reason that somebody has to
  /// mend); else nobody answers, Azure is busy, a role has not been assigned yet, or the answer is none.
  [[nodiscard]] tl::expected<FetchedDelegationKey, IdentityFailure> fetch(std::string_view account_url,
                                                                          const std::string& ca_file,
                                                                          const AccessToken& token,
                                                                          TimeSpan wanted);

 private:
  HttpRetry sender_;
  Timer& timer_;
  const Clock& clock_;
};

/// Reads Azure's answer, in which every member has to be there once: object and tenant (hexadecimal digits
/// and dashes), start and expiry in the seconds form, service `b`, a version that is a date, and a value that
/// is base64 of 16 to 64 bytes (Azure's hold 32). The key has to be valid now, and not for longer than
/// `wanted`. A byte order mark is skipped; comments, CDATA and DOCTYPE are refused. `xml` is read in place
/// and wiped. The error says what is wrong with it.
[[nodiscard]] tl::expected<UserDelegationKey, std::string> read_delegation_key(std::string& xml,
                                                                               TimeSpan wanted,
                                                                               UtcSeconds now);

}  // namespace blobvalet
