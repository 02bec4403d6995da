#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/hmac.hpp"
#include "core/hook_answer.hpp"
#include "core/hook_message.hpp"
#include "core/hook_options.hpp"
#include "core/http_retry.hpp"
#include "core/result.hpp"

namespace blobvalet {

/// Sends messages to the site's application, signed. Not for use by two threads at once.
class HookClient {
 public:
  /// All arguments outlive it.
  HookClient(const HookOptions& options, const SecretBytes& secret, Http& http, Timer& timer,
             const Clock& clock)
      : options_(options), signature_(secret), sender_(http, timer, clock), timer_(timer), clock_(clock) {}

  /// POSTs `body`, with `headers` of the browser beside our own, and `retries` more times after a transient
  /// failure, all within the hook's timeout. An answer longer than 64 KiB is HttpFailure::too_large.
  [[nodiscard]] HttpRetry::Outcome post(std::string_view body, std::span<const NamedValue> headers,
                                        unsigned retries);

 private:
  const HookOptions& options_;
  HmacSha256 signature_;
  HttpRetry sender_;
  Timer& timer_;
  const Clock& clock_;
};

/// What an application's answer means.
struct HookVerdict {
  enum class Kind : std::uint8_t {
    accepted,
    refused,      ///< it said no
    unavailable,  ///< it did not answer, or nothing that we can use
  };
  Kind kind = Kind::unavailable;
  HookAnswer answer = {};              ///< of an unavailable application, at most an error
  std::optional<int> status = {};      ///< its HTTP status; 0: no answer; nothing: it was not asked
  std::string log_reason = {};         ///< why it is unavailable
  Errc errc = Errc::hook_unavailable;  ///< for an unavailable one
};

/// Reads an answer to a synchronous hook: 2xx with an object (204: without any body) accepts, unless the
/// object says otherwise; 4xx refuses, but for 408 and 429; all else is no usable answer.
[[nodiscard]] HookVerdict judge(const HttpRetry::Outcome& outcome, bool with_properties);

/// Delivers one stored message; nothing if the application took it (2xx), else what went wrong.
[[nodiscard]] std::optional<std::string> deliver(HookClient& client, std::string_view body);

}  // namespace blobvalet
