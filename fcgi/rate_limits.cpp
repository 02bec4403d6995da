#include "fcgi/rate_limits.hpp"

#include "fcgi/adapters/redis_limits.hpp"
#include "fcgi/adapters/shared_limits.hpp"

namespace blobvalet::fcgi {
namespace {

std::unique_ptr<RateLimiter> open_store(const LimitOptions& options) {
  if (options.store == LimitOptions::Store::redis) return std::make_unique<RedisLimits>(options);
  return std::make_unique<SharedLimits>(options.file);
}

}  // namespace

LimitVerdict RateLimits::take(std::string_view identity, const RateLimit& limit) {
  RateLimiter* store = current_.load(std::memory_order_acquire);
  return store == nullptr ? LimitVerdict{LimitVerdict::Kind::unavailable, {}} : store->take(identity, limit);
}

void RateLimits::move_to(const LimitOptions& options) {
  const std::lock_guard lock(mutex_);
  if (options == options_) return;
  options_ = options;
  stores_.push_back(open_store(options));
  current_.store(stores_.back().get(), std::memory_order_release);
}

}  // namespace blobvalet::fcgi
