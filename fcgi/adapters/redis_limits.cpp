#include "fcgi/adapters/redis_limits.hpp"

#include <hiredis/hiredis.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <span>
#include <stdexcept>

#include "core/hexadecimal.hpp"
#include "core/sha256.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {
namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

// take_request() of core/rate_limit.hpp, in microseconds, which Lua's numbers hold exactly. The answer is how
// long to wait; 0: not at all.
constexpr std::string_view kScript = R"(
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = tonumber(ARGV[1])
local latest = now + interval * tonumber(ARGV[2])
local full_at = tonumber(redis.call('GET', KEYS[1]) or 0)
local begins = math.min(math.max(full_at, now), latest)
local ends = begins + interval
local keep = ends > latest and begins or ends
if keep ~= full_at then
  redis.call('SET', KEYS[1], string.format('%.0f', keep), 'PX', math.ceil((keep - now) / 1000))
end
return math.max(ends - latest, 0)
)";

/// The name by which EVALSHA knows it.
std::string script_hash() {
  constexpr std::size_t kSha1Bytes = 20;
  std::array<unsigned char, kSha1Bytes> digest{};
  if (EVP_Digest(kScript.data(), kScript.size(), digest.data(), nullptr, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("SHA-1 is not available");
  return hexadecimal(digest);
}

bool knows_no_script(const RedisError& error) {
  return std::string_view(error.what()).starts_with("NOSCRIPT");
}

}  // namespace

RedisLimits::RedisLimits(const LimitOptions& options)
    : server_{options.host, options.port, options.password_file, options.timeout, options.timeout},
      prefix_(options.prefix),
      script_hash_(script_hash()) {}

LimitVerdict RedisLimits::take(std::string_view identity, const RateLimit& limit) {
  constexpr std::size_t kHashDigits = 32;
  if (!may_ask()) return {LimitVerdict::Kind::unavailable, {}};
  try {
    return ask(prefix_ + ":limit:" + sha256_hex(identity).substr(0, kHashDigits), limit);
  } catch (const RedisError& error) {
    failed(error.what());
    return {LimitVerdict::Kind::unavailable, {}};
  }
}

LimitVerdict RedisLimits::ask(std::string_view key, const RateLimit& limit) {
  Connection connection = borrow();
  const bool reused = connection != nullptr;
  if (!reused) connection = std::make_unique<RedisConnection>(server_);
  RedisReply reply = send(connection, key, limit);
  if (reply == nullptr && reused && connection->was_closed()) {
    connection = std::make_unique<RedisConnection>(server_);
    reply = send(connection, key, limit);
  }
  if (reply == nullptr) throw RedisError(connection->failure());
  if (reply->type != REDIS_REPLY_INTEGER) throw RedisError("does not answer with a number");
  const microseconds wait(reply->integer);
  give_back(std::move(connection));
  if (wait == microseconds::zero()) return {LimitVerdict::Kind::allowed, {}};
  return {LimitVerdict::Kind::limited, wait};
}

/// By its hash, or (the server has forgotten it, or never seen it) as it is.
RedisReply RedisLimits::send(Connection& connection, std::string_view key, const RateLimit& limit) {
  const auto interval = std::max(std::chrono::round<microseconds>(limit.interval), microseconds(1));
  const std::string interval_text = std::to_string(interval.count());
  const std::string burst_text = std::to_string(limit.burst);
  std::array<std::string_view, 6> command{"EVALSHA", script_hash_, "1", key, interval_text, burst_text};
  try {
    return connection->send(command.data(), command.size());
  } catch (const RedisError& error) {
    if (!knows_no_script(error)) throw;
  }
  command[0] = "EVAL";
  command[1] = kScript;
  return connection->send(command.data(), command.size());
}

/// While it is down, one at a time tries.
bool RedisLimits::may_ask() {
  constexpr std::chrono::seconds kPause{1};
  const std::lock_guard lock(mutex_);
  if (!is_down_) return true;
  const Time now = steady_clock::now();
  if (now < ask_again_at_) return false;
  ask_again_at_ = now + kPause + 2 * server_.timeout;
  return true;
}

RedisLimits::Connection RedisLimits::borrow() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  Connection connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

/// It has answered.
void RedisLimits::give_back(Connection connection) {
  const std::lock_guard lock(mutex_);
  if (is_down_) Log::notice("limits_available", "Redis at " + server_.place());
  is_down_ = false;
  idle_.push_back(std::move(connection));
}

void RedisLimits::failed(std::string_view reason) {
  constexpr std::chrono::seconds kPause{1};
  const std::lock_guard lock(mutex_);
  if (!is_down_)
    Log::notice("limits_unavailable", "Redis at " + server_.place() + ": " + std::string(reason));
  is_down_ = true;
  ask_again_at_ = steady_clock::now() + kPause;
  idle_.clear();
}

}  // namespace blobvalet::fcgi
