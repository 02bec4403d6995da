#include "core/clock_skew.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// Time that passes while Azure is asked.
class PassingClock final : public Clock {
 public:
  explicit PassingClock(std::chrono::seconds step) : step_(step) {}
  [[nodiscard]] UtcSeconds now() const override { return std::exchange(time_, time_ + step_); }

 private:
  const std::chrono::seconds step_;
  mutable UtcSeconds time_ = at("2026-03-01T12:00:00Z");
};

FakeHttp::Outcome dated(const char* date, int status = 400) {
  return http_answer(status, {{"date", date}});
}

/// `12 s`, or `none`.
std::string skew(const FakeHttp::Outcome& answer, std::chrono::seconds taken = 0s) {
  FakeTimer timer;
  FakeHttp http(timer);
  http.answers = {answer};
  const PassingClock clock(taken);
  const auto told = ask_account(http, clock, "https://acme.blob.core.windows.net", "/etc/ca.pem");
  std::string text = told.clock_skew ? std::to_string(told.clock_skew->count()) + " s" : "none";
  return told.failure.empty() ? text : text.append(" ").append(told.failure);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(clock_skew_tests)

BOOST_AUTO_TEST_CASE(any_dated_answer_tells) {
  struct Row {
    const char* name;
    FakeHttp::Outcome answer;
    std::chrono::seconds taken;
    const char* skew;
  };
  const Row rows[] = {
      {"the same", dated("Sun, 01 Mar 2026 12:00:00 GMT"), 0s, "0 s"},
      {"ahead", dated("Sun, 01 Mar 2026 11:59:00 GMT"), 0s, "60 s"},
      {"behind", dated("Sun, 01 Mar 2026 12:01:01 GMT"), 0s, "-61 s"},
      {"years behind", dated("Mon, 01 Mar 2027 12:00:00 GMT"), 0s, "-31536000 s"},
      {"the answer took a while", dated("Sun, 01 Mar 2026 12:00:02 GMT"), 4s, "0 s"},
      {"as long as may be", dated("Sun, 01 Mar 2026 12:00:00 GMT"), 10s, "5 s"},
      {"too long", dated("Sun, 01 Mar 2026 12:00:00 GMT"), 11s, "none"},
      {"the clock was set back meanwhile", dated("Sun, 01 Mar 2026 12:00:00 GMT"), -1s, "none"},
      {"accepted", dated("Sun, 01 Mar 2026 12:00:00 GMT", 200), 0s, "0 s"},
      {"refused", dated("Sun, 01 Mar 2026 12:00:00 GMT", 403), 0s, "0 s"},
      {"out of order", dated("Sun, 01 Mar 2026 12:00:00 GMT", 503), 0s, "0 s answers with HTTP status 503"},
      {"without a date", http_answer(200), 0s, "none"},
      {"with another date", dated("yesterday"), 0s, "none"},
      {"with a date of another zone", dated("Sun, 01 Mar 2026 12:00:00 +0100"), 0s, "none"},
      {"no answer", tl::unexpected(HttpFailure::timed_out), 0s, "none does not answer in time"},
      {"nobody there", tl::unexpected(HttpFailure::unreachable), 0s, "none cannot be reached"},
      {"no HTTP", tl::unexpected(HttpFailure::malformed), 0s, "none does not answer as Azure does"},
      {"somebody else's certificate", tl::unexpected(HttpFailure::untrusted), 0s,
       "none its certificate is not trusted"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(skew(row.answer, row.taken) == row.skew);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_question_is_small_and_holds_no_credential) {
  FakeTimer timer;
  FakeHttp http(timer);
  http.answers = {dated("Sun, 01 Mar 2026 12:00:00 GMT")};
  const FakeClock clock;
  BOOST_TEST(
      ask_account(http, clock, "https://acme.blob.core.windows.net", "/etc/ca.pem").clock_skew.has_value());
  BOOST_REQUIRE_EQUAL(http.calls.size(), 1U);
  const HttpCall& call = http.calls[0];
  BOOST_TEST(call.method == "HEAD");
  BOOST_TEST(call.url == "https://acme.blob.core.windows.net/?comp=list");
  BOOST_TEST(call.headers.empty());
  BOOST_TEST(call.body == "");
  BOOST_TEST(call.ca_file == "/etc/ca.pem");
  BOOST_TEST((call.timeout == 3s));
}

BOOST_AUTO_TEST_SUITE_END()
