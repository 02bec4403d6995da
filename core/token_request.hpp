#pragma once
#include <chrono>
#include <span>
#include <string_view>

#include "core/access_token.hpp"

namespace blobvalet {

/// When to ask a token service once more. No answer at all counts as one that may come later.
struct RetryPlan {
  std::span<const std::chrono::seconds> waits;  ///< before each further try; a service may ask for more
  bool (*is_transient)(int status);             ///< true if the same request may be answered later
  std::chrono::seconds update_time{0};          ///< a service that is being updated (410) is back by then
  std::chrono::seconds longest{60};  ///< a service may ask for a wait until then, counted from the first try
  std::chrono::milliseconds later_connect_timeout{3000};  ///< of all tries but the first
};

/// Asks services for tokens. Not for use by two threads at once.
class TokenRequest {
 public:
  explicit TokenRequest(const IdentityPorts& ports) : ports_(ports) {}

  using Outcome = tl::expected<HttpAnswer, HttpFailure>;
  /// Sends `call`, and again according to `plan`. What came last is the outcome.
  [[nodiscard]] Outcome send(HttpCall& call, const RetryPlan& plan);

  /// Makes the token, or the failure that `who` is to blame for, of what came. `secret` is what was sent; it
  /// never gets into the reason.
  [[nodiscard]] tl::expected<AccessToken, IdentityFailure> judge(Outcome outcome, const RetryPlan& plan,
                                                                 std::string_view who,
                                                                 std::string_view secret);

 private:
  [[nodiscard]] std::optional<std::chrono::milliseconds> wait_before(std::size_t retry,
                                                                     const Outcome& outcome,
                                                                     const RetryPlan& plan,
                                                                     Timer::Time begin) const;

  IdentityPorts ports_;
};

/// 429, and all that begins with 5.
[[nodiscard]] bool is_throttled_or_failed(int status);

/// Appends `name: secret` to the headers, without leaving parts of it anywhere else.
void add_secret_header(HttpCall& call, std::string_view name_and_colon, std::string_view secret);

/// A failure that waiting does not mend.
[[nodiscard]] tl::unexpected<IdentityFailure> misconfigured(std::string reason);

}  // namespace blobvalet
