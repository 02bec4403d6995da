#include <thread>

#include "fcgi/adapters/redis_connection.hpp"
#include "fcgi/adapters/redis_limits.hpp"
#include "tests/unit/redis_server.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr RateLimit kThree{1h, 3};
using Kind = LimitVerdict::Kind;

LimitOptions options_for(const RedisServer& server) {
  LimitOptions options;
  options.store = LimitOptions::Store::redis;
  options.host = server.socket();
  options.prefix = "site";
  options.timeout = 1s;  // on a busy machine
  return options;
}

unsigned allowed(RateLimiter& limits, std::string_view identity, unsigned times,
                 const RateLimit& limit = kThree) {
  unsigned count = 0;
  for (unsigned i = 0; i < times; ++i)
    count += limits.take(identity, limit).kind == Kind::allowed ? 1U : 0U;
  return count;
}

/// Asks again and again until the store answers, for some seconds at most.
Kind when_it_is_back(RateLimiter& limits) {
  Kind kind = Kind::unavailable;
  for (int i = 0; i < 500 && kind == Kind::unavailable; ++i) {
    std::this_thread::sleep_for(10ms);
    kind = limits.take("probe", RateLimit{1us, 1000}).kind;
  }
  return kind;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(redis_limits_tests)

BOOST_AUTO_TEST_CASE(two_machines_share_each_budget) {
  const RedisServer server;
  RedisLimits one(options_for(server));
  RedisLimits other(options_for(server));
  BOOST_TEST(allowed(one, "alice", 2) == 2U);
  BOOST_TEST(allowed(other, "alice", 10) == 1U);
  BOOST_TEST(allowed(one, "alice", 10) == 0U);
  BOOST_TEST(allowed(other, "bob", 10) == 3U);
  const LimitVerdict refused = one.take("alice", kThree);
  BOOST_TEST((refused.kind == Kind::limited));
  BOOST_TEST((refused.retry_after > 59min && refused.retry_after <= 60min));
}

BOOST_AUTO_TEST_CASE(time_gives_requests_back) {
  const RedisServer server;
  RedisLimits limits(options_for(server));
  constexpr RateLimit kQuick{200ms, 2};
  const auto start = std::chrono::steady_clock::now();
  unsigned count = 0;
  while (std::chrono::steady_clock::now() - start < 1s) {
    count += allowed(limits, "alice", 1, kQuick);
    std::this_thread::sleep_for(5ms);
  }
  const auto took = std::chrono::steady_clock::now() - start;
  BOOST_TEST(count >= 5U);
  BOOST_TEST(count <= 2U + static_cast<unsigned>(took / 200ms));
}

BOOST_AUTO_TEST_CASE(threads_share_a_budget_exactly) {
  const RedisServer server;
  RedisLimits limits(options_for(server));
  std::atomic<unsigned> count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { count += allowed(limits, "alice", 50, RateLimit{1h, 100}); });
  for (std::thread& thread : threads)
    thread.join();
  BOOST_TEST(count == 100U);
}

BOOST_AUTO_TEST_CASE(keys_name_nobody_and_expire_with_the_budget) {
  const RedisServer server;
  RedisLimits limits(options_for(server));
  allowed(limits, "alice", 1, RateLimit{300ms, 5});
  RedisConnection redis({server.socket(), 0, ""});
  const auto count = [&] {
    const std::string_view command[] = {"EVAL", "return #redis.call('KEYS', 'site:limit:*')", "0"};
    const std::string_view names[] = {"EVAL", "return #redis.call('KEYS', '*alice*')", "0"};
    BOOST_TEST(redis.send(names, 3) != nullptr);
    return std::string_view(redis.send(command, 3) == nullptr ? "broken" : "answered");
  };
  BOOST_TEST(count() == "answered");
  const std::string_view none[] = {
      "EVAL", "if #redis.call('KEYS', '*') ~= tonumber(ARGV[1]) then error('differs') end return 1", "0",
      "1"};
  BOOST_CHECK_NO_THROW(BOOST_TEST((redis.send(none, 4) != nullptr)));
  std::this_thread::sleep_for(400ms);
  const std::string_view gone[] = {none[0], none[1], "0", "0"};
  BOOST_CHECK_NO_THROW(BOOST_TEST((redis.send(gone, 4) != nullptr)));
}

BOOST_AUTO_TEST_CASE(a_clock_that_goes_back_keeps_nobody_out_for_long) {
  const RedisServer server;
  RedisLimits limits(options_for(server));
  constexpr RateLimit kQuick{300ms, 1};
  BOOST_TEST(allowed(limits, "alice", 1, kQuick) == 1U);
  // As if it had been written by a clock that was a day ahead.
  RedisConnection redis({server.socket(), 0, ""});
  const std::string_view command[] = {"EVAL",
                                      "local t = redis.call('TIME')[1] + 86400 return redis.call('SET', "
                                      "redis.call('KEYS', '*')[1], t .. '000000')",
                                      "0"};
  BOOST_TEST((redis.send(command, 3) != nullptr));
  const LimitVerdict refused = limits.take("alice", kQuick);
  BOOST_TEST((refused.kind == Kind::limited));
  BOOST_TEST((refused.retry_after == 300ms));
  std::this_thread::sleep_for(310ms);
  BOOST_TEST(allowed(limits, "alice", 2, kQuick) == 1U);
}

BOOST_AUTO_TEST_CASE(a_script_that_the_server_has_forgotten_is_sent_again) {
  const RedisServer server;
  RedisLimits limits(options_for(server));
  BOOST_TEST(allowed(limits, "alice", 1) == 1U);
  RedisConnection redis({server.socket(), 0, ""});
  const std::string_view flush[] = {"SCRIPT", "FLUSH"};
  BOOST_TEST((redis.send(flush, 2) != nullptr));
  BOOST_TEST(allowed(limits, "alice", 10) == 2U);
}

BOOST_AUTO_TEST_CASE(a_server_that_restarts_between_two_requests_is_not_noticed) {
  RedisServer server;
  RedisLimits limits(options_for(server));
  BOOST_TEST(allowed(limits, "alice", 2) == 2U);
  server.stop();
  server.start();
  BOOST_TEST((limits.take("alice", kThree).kind == Kind::allowed), "its data are on the disk");
  BOOST_TEST((limits.take("alice", kThree).kind == Kind::limited));
}

BOOST_AUTO_TEST_CASE(a_server_that_is_gone_costs_no_time_and_comes_back) {
  RedisServer server;
  RedisLimits limits(options_for(server));
  BOOST_TEST(allowed(limits, "alice", 1) == 1U);
  server.stop();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i)
    BOOST_TEST((limits.take("alice", kThree).kind == Kind::unavailable));
  BOOST_TEST((std::chrono::steady_clock::now() - start < 1s));
  server.start();
  BOOST_TEST((when_it_is_back(limits) == Kind::allowed));
  BOOST_TEST(allowed(limits, "alice", 10) == 2U);
}

BOOST_AUTO_TEST_CASE(a_server_that_hangs_costs_its_time_limit_once) {
  RedisServer server;
  LimitOptions options = options_for(server);
  options.timeout = 100ms;
  RedisLimits limits(options);
  BOOST_TEST(allowed(limits, "alice", 1) == 1U);
  server.pause();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i)
    BOOST_TEST((limits.take("alice", kThree).kind == Kind::unavailable));
  const auto took = std::chrono::steady_clock::now() - start;
  server.resume();
  BOOST_TEST((took >= 100ms && took < 2s));
  BOOST_TEST((when_it_is_back(limits) == Kind::allowed));
}

BOOST_AUTO_TEST_CASE(a_password) {
  RedisServer server({"--requirepass", "a password of the tests"});
  LimitOptions options = options_for(server);
  RedisLimits without(options);
  BOOST_TEST((without.take("alice", kThree).kind == Kind::unavailable));
  server.dir().write("password", "a password of the tests\n");
  std::filesystem::permissions(server.dir().path() / "password", std::filesystem::perms::owner_read);
  options.password_file = server.dir().path() / "password";
  RedisLimits with(options);
  BOOST_TEST(allowed(with, "alice", 10) == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
