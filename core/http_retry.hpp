#pragma once
#include <chrono>
#include <optional>
#include <random>

#include "core/http_client.hpp"
#include "core/ports.hpp"

namespace blobvalet {

/// True for an answer that the same request may not get again: 408, 429, 500, 502, 503 and 504 ("Retry
/// guidance for Azure services", learn.microsoft.com; the SDKs' own list).
[[nodiscard]] bool is_transient(int status);

/// How long an answer asks us to wait: `retry-after-ms`, `x-ms-retry-after-ms` (milliseconds), or
/// `Retry-After` (seconds, or a date in RFC 9110's preferred form). Nothing if it does not say.
[[nodiscard]] std::optional<std::chrono::milliseconds> retry_after(const HttpAnswer& answer, UtcSeconds now);

/// Sends requests, and again if that may help, all within a deadline. Not for use by two threads at once.
class HttpRetry {
 public:
  using Outcome = tl::expected<HttpAnswer, HttpFailure>;

  /// All three outlive it.
  HttpRetry(Http& http, Timer& timer, const Clock& clock)
      : http_(http), timer_(timer), clock_(clock), random_(std::random_device{}()) {}

  /// Sends `call`, and up to `retries` times more after a transient answer or no answer at all, waiting 200
  /// ms, 400 ms and so on (times 0.8 to 1.3), or as long as the answer asks. Ends with what came last as soon
  /// as the next wait would reach the deadline; a certificate that is not trusted is never tried again.
  /// `call.timeout` bounds each attempt, and is shortened to what is left.
  [[nodiscard]] Outcome send(HttpCall& call, Timer::Time deadline, unsigned retries);

 private:
  [[nodiscard]] std::chrono::milliseconds wait_before(unsigned retry, const Outcome& outcome);

  Http& http_;
  Timer& timer_;
  const Clock& clock_;
  std::minstd_rand random_;
};

}  // namespace blobvalet
