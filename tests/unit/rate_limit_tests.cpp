#include <boost/test/unit_test.hpp>
#include <set>
#include <vector>

#include "core/rate_limit.hpp"

using namespace blobvalet;
using namespace std::literals;
using std::chrono::nanoseconds;

namespace {

/// Ten a minute, three at once.
constexpr RateLimit kLimit{6s, 3};

/// What becomes of requests at these times, in seconds: `+` allowed, or the seconds to wait.
std::string run(const std::vector<int>& times, const RateLimit& limit = kLimit) {
  std::string text;
  nanoseconds full_at{};
  for (const int time : times) {
    const RateStep step = take_request(full_at, std::chrono::seconds(time), limit);
    full_at = step.full_at;
    BOOST_TEST((step.allowed == (step.retry_after == 0s)));
    const auto wait = std::chrono::ceil<std::chrono::seconds>(step.retry_after).count();
    text.append(step.allowed ? "+" : std::to_string(wait)).append(" ");
  }
  return text;
}

std::string identity(std::string_view rule, std::string_view user, std::string_view address) {
  std::string text;
  append_limit_identity(text, rule, Caller{user, address});
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rate_limit_tests)

BOOST_AUTO_TEST_CASE(budgets_in_the_course_of_time) {
  struct Row {
    const char* name;
    std::vector<int> times;
    const char* outcome;
  };
  const Row kRows[] = {
      {"a burst and no more", {100, 100, 100, 100, 100}, "+ + + 6 6 "},
      {"one for each interval", {100, 100, 100, 105, 106, 106, 111, 112}, "+ + + 1 + 6 1 + "},
      {"evenly for ever", {100, 106, 112, 118, 124, 130}, "+ + + + + + "},
      {"a pause gives the burst back", {100, 100, 100, 118, 118, 118, 118}, "+ + + + + + 6 "},
      {"half a pause gives half of it", {100, 100, 100, 112, 112, 112}, "+ + + + + 6 "},
      {"a long pause gives no more", {100, 100000, 100000, 100000, 100000}, "+ + + + 6 "},
      {"refusals cost nothing", {100, 100, 100, 101, 102, 103, 104, 105, 106}, "+ + + 5 4 3 2 1 + "},
      {"at the beginning of time", {0, 0, 0, 0}, "+ + + 6 "},
      {"the clock jumps ahead: the budget is whole",
       {100, 100, 100, 4000, 4000, 4000, 4000},
       "+ + + + + + 6 "},
      {"the clock jumps back: nobody waits for longer than a whole budget",
       {4000, 4000, 4000, 100, 100, 106},
       "+ + + 6 6 + "},
      {"back by a little", {100, 100, 97, 97, 97}, "+ + 3 3 3 "},
      {"back and forth", {100, 100, 100, 50, 100, 106}, "+ + + 6 + + "},
  };
  for (const Row& row : kRows)
    BOOST_TEST_CONTEXT(row.name) BOOST_TEST(run(row.times) == row.outcome);
}

BOOST_AUTO_TEST_CASE(a_burst_of_one_is_a_distance) {
  BOOST_TEST(run({100, 100, 105, 106, 107, 112}, RateLimit{6s, 1}) == "+ 6 1 + 5 + ");
}

BOOST_AUTO_TEST_CASE(a_smaller_limit_takes_hold_at_once) {
  const RateStep before = take_request({}, 100s, RateLimit{60s, 10});
  RateStep step = before;
  for (int i = 1; i < 10; ++i)
    step = take_request(step.full_at, 100s, RateLimit{60s, 10});
  BOOST_TEST((step.full_at == 700s));
  // The new one is used up, but not more than that.
  const RateStep refused = take_request(step.full_at, 100s, kLimit);
  BOOST_TEST(!refused.allowed);
  BOOST_TEST((refused.retry_after == 6s));
}

BOOST_AUTO_TEST_CASE(the_largest_limits_do_not_overflow) {
  const RateLimit slow{std::chrono::hours(24), 30};
  BOOST_TEST(take_request({}, nanoseconds(std::chrono::hours(24 * 365 * 60)), slow).allowed);
  const RateLimit fast{1us, 1000000};
  BOOST_TEST(take_request({}, 1s, fast).allowed);
}

BOOST_AUTO_TEST_CASE(over_a_long_time_the_rate_holds_exactly) {
  const RateLimit limit{100ms, 600};  // 600 a minute
  nanoseconds full_at{};
  unsigned allowed = 0;
  for (nanoseconds now = 1h; now < 1h + 10min; now += 7ms) {
    const RateStep step = take_request(full_at, now, limit);
    full_at = step.full_at;
    allowed += step.allowed ? 1U : 0U;
  }
  BOOST_TEST(allowed == 600 + 6000 - 1, "the burst, and one for each interval that has passed");
}

BOOST_AUTO_TEST_CASE(who_has_a_budget) {
  const std::string alice = identity("r", "alice", "10.0.0.1");
  BOOST_TEST(identity("r", "alice", "10.0.0.2") == alice, "a user may come from anywhere");
  BOOST_TEST(identity("r", "bob", "10.0.0.1") != alice);
  BOOST_TEST(identity("s", "alice", "10.0.0.1") != alice);

  const std::string nobody = identity("r", "", "10.0.0.1");
  BOOST_TEST(identity("r", "", "::ffff:10.0.0.1") == nobody);
  BOOST_TEST(identity("r", "", "10.0.0.2") != nobody);
  BOOST_TEST(identity("r", "", "2001:db8:0:1::1") == identity("r", "", "2001:db8:0:1:ffff::2"));
  BOOST_TEST(identity("r", "", "2001:db8:0:1::1") != identity("r", "", "2001:db8:0:2::1"));
}

// Each of these pairs would be one if names were only put together.
BOOST_AUTO_TEST_CASE(no_two_identities_are_written_alike) {
  const std::vector<std::string> all{
      identity("r", "", "10.0.0.1"),    identity("r", "", ""),
      identity("r", "", "unix:"),       identity("r", "?unix:", ""),
      identity("r", "4", ""),           identity("ru", "x", ""),
      identity("r", "ux", ""),          identity("r", "x", ""),
      identity("", "rux", ""),          identity("1:r", "x", ""),
      identity("r", "10.0.0.1", ""),    identity("r", "", "x"),
      identity("r", "", "2001:db8::1"), identity("r", "", "97.98.99.100"),
      identity("r", "", "abcd"),
  };
  BOOST_TEST(std::set<std::string>(all.begin(), all.end()).size() == all.size());
}

BOOST_AUTO_TEST_SUITE_END()
