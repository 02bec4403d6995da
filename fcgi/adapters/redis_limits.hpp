#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/limit_options.hpp"
#include "core/rate_limit.hpp"
#include "fcgi/adapters/redis_connection.hpp"

namespace blobvalet::fcgi {

/// RateLimiter that workers of any number of machines share by a Redis server, whose clock counts. Each
/// identity is a key
/// `<prefix>:limit:<hash>` that expires when its budget is whole again.
///
/// Each call is bounded by the options' time limit, once to connect and once for the answer. After a failure
/// nobody asks for a second, then one call tries again while the others go on without it: a server that is
/// down costs no time.
class RedisLimits final : public RateLimiter {
 public:
  explicit RedisLimits(const LimitOptions& options);

  /// `unavailable` while the server cannot be used, which the log says.
  [[nodiscard]] LimitVerdict take(std::string_view identity, const RateLimit& limit) override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  using Connection = std::unique_ptr<RedisConnection>;

  [[nodiscard]] LimitVerdict ask(std::string_view key, const RateLimit& limit);
  [[nodiscard]] RedisReply send(Connection& connection, std::string_view key, const RateLimit& limit);
  [[nodiscard]] bool may_ask();
  [[nodiscard]] Connection borrow();
  void give_back(Connection connection);
  void failed(std::string_view reason);

  const RedisAddress server_;
  const std::string prefix_;
  const std::string script_hash_;
  std::mutex mutex_;  ///< guards what follows
  std::vector<Connection> idle_;
  bool is_down_ = false;
  Time ask_again_at_{};  ///< while it is down
};

}  // namespace blobvalet::fcgi
