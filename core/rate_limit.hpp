#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/name_pattern.hpp"

namespace blobvalet {

/// How often a rule may be used by one identity; the configuration's `rules[].limit`.
struct RateLimit {
  std::chrono::nanoseconds interval{};  ///< on the average between two requests; more than 0
  unsigned burst = 1;                   ///< how many may come at once after a pause; at least 1

  /// How long a budget that is used up takes to be whole again.
  [[nodiscard]] constexpr std::chrono::nanoseconds span() const { return interval * burst; }
};

/// What the generic cell rate algorithm says of one request.
struct RateStep {
  bool allowed = false;
  std::chrono::nanoseconds full_at{};      ///< when the budget is whole again; to be kept, also of a refusal
  std::chrono::nanoseconds retry_after{};  ///< until a request would be allowed; 0 if `allowed`
};

/// The generic cell rate algorithm (GCRA; ITU-T I.371 annex A, as a virtual schedule): all that it keeps of
/// an identity is when the budget is whole again, and a time that has passed is the same as none. `now` is by
/// whatever clock the caller has. Where that goes back, or the limit has become smaller, nobody has to wait
/// longer than for a whole budget.
[[nodiscard]] constexpr RateStep take_request(std::chrono::nanoseconds full_at, std::chrono::nanoseconds now,
                                              const RateLimit& limit) {
  const auto latest = now + limit.span();
  const auto begins = full_at < now ? now : full_at > latest ? latest : full_at;
  const auto ends = begins + limit.interval;
  if (ends > latest) return {false, begins, ends - latest};
  return {true, ends, {}};
}

/// Appends whose budget a request is taken from: the user's, or without one the address's; one for each rule.
/// An IPv6 address counts as its /64, which one customer has to himself.
void append_limit_identity(std::string& out, std::string_view rule, const Caller& caller);

struct LimitVerdict {
  enum class Kind : std::uint8_t {
    allowed,
    limited,
    unavailable,  ///< the budgets cannot be looked at
  };
  Kind kind = Kind::allowed;
  std::chrono::nanoseconds retry_after{};  ///< if limited
};

/// Port: the budgets, which all workers of a machine, or of several, share. For use by any number of threads.
class RateLimiter {
 public:
  RateLimiter() = default;
  RateLimiter(const RateLimiter&) = delete;
  RateLimiter& operator=(const RateLimiter&) = delete;
  virtual ~RateLimiter() = default;
  /// Takes one request from the budget of `identity`, unless it is used up.
  [[nodiscard]] virtual LimitVerdict take(std::string_view identity, const RateLimit& limit) = 0;
};

}  // namespace blobvalet
