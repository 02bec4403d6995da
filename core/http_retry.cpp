#include "core/http_retry.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/http_date.hpp"

namespace blobvalet {
namespace {

using std::chrono::milliseconds;

/// A decimal number of at most nine digits.
std::optional<unsigned> number(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.size() > 9) return std::nullopt;
  return value;
}

}  // namespace

bool is_transient(int status) {
  constexpr std::array kTransient{408, 429, 500, 502, 503, 504};
  return std::ranges::find(kTransient, status) != kTransient.end();
}

std::optional<milliseconds> retry_after(const HttpAnswer& answer, UtcSeconds now) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto ms = number(answer.header(name))) return milliseconds(*ms);
  }
  const std::string_view text = answer.header("retry-after");
  if (text.empty()) return std::nullopt;
  if (const auto seconds = number(text)) return std::chrono::seconds(*seconds);
  if (const auto date = parse_http_date(text)) return std::max(*date - now, std::chrono::seconds(0));
  return std::nullopt;
}

HttpRetry::Outcome HttpRetry::send(HttpCall& call, Timer::Time deadline, unsigned retries) {
  const milliseconds longest = call.timeout;
  for (unsigned retry = 0;; ++retry) {
    const auto left = std::chrono::floor<milliseconds>(deadline - timer_.now());
    if (left <= milliseconds(0)) return tl::unexpected(HttpFailure::timed_out);
    call.timeout = std::min(longest, left);
    Outcome outcome = http_.send(call);
    const bool again =
        outcome ? is_transient(outcome->status)
                : outcome.error() == HttpFailure::unreachable || outcome.error() == HttpFailure::timed_out;
    if (!again || retry == retries) return outcome;
    const milliseconds wait = wait_before(retry, outcome);
    // Not now() + wait: a date in the year 9999 is beyond what the timer can count.
    if (wait >= std::chrono::ceil<milliseconds>(deadline - timer_.now())) return outcome;
    timer_.sleep_for(wait);
  }
}

milliseconds HttpRetry::wait_before(unsigned retry, const Outcome& outcome) {
  if (outcome) {
    if (const auto asked = retry_after(*outcome, clock_.now())) return *asked;
  }
  constexpr double kFirstWaitMs = 200;
  const double jitter = std::uniform_real_distribution<>(0.8, 1.3)(random_);
  return milliseconds(
      static_cast<long>(kFirstWaitMs * static_cast<double>(1U << std::min(retry, 8U)) * jitter));
}

}  // namespace blobvalet
