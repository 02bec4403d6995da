#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "core/limit_options.hpp"
#include "core/rate_limit.hpp"

namespace blobvalet::fcgi {

/// The budgets in the store that the configuration names, which a reload may change.
class RateLimits final : public RateLimiter {
 public:
  /// `unavailable` as long as no store was named.
  [[nodiscard]] LimitVerdict take(std::string_view identity, const RateLimit& limit) override;
  /// From now on they are there.
  void move_to(const LimitOptions& options);

 private:
  std::atomic<RateLimiter*> current_{nullptr};  ///< the last of stores_, or null
  std::mutex mutex_;                            ///< guards what follows
  std::optional<LimitOptions> options_;
  /// None is closed while a thread may use it.
  std::vector<std::unique_ptr<RateLimiter>> stores_;
};

}  // namespace blobvalet::fcgi
