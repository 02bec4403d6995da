#include <algorithm>

#include "core/http_retry.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;
using Outcome = HttpRetry::Outcome;

Outcome failure(HttpFailure reason) {
  return tl::unexpected(reason);
}

struct Bench {
  FakeClock clock;
  FakeTimer timer;
  FakeHttp http{timer};
  HttpRetry sender{http, timer, clock};
  HttpCall call;

  Outcome send(std::vector<Outcome> answers, unsigned retries, std::chrono::milliseconds within = 60s) {
    http.answers = std::move(answers);
    return sender.send(call, timer.time + within, retries);
  }
};

std::string show_wait(std::optional<std::chrono::milliseconds> wait) {
  return wait ? std::to_string(wait->count()) : "nothing";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(http_retry_tests)

BOOST_AUTO_TEST_CASE(few_statuses_are_transient) {
  const int transient[] = {408, 429, 500, 502, 503, 504};
  for (int status = 200; status <= 599; ++status) {
    BOOST_TEST_CONTEXT(status) {
      BOOST_TEST(is_transient(status) == (std::ranges::find(transient, status) != std::end(transient)));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_answer_says_how_long_to_wait) {
  struct Row {
    const char* name;
    Headers headers;
    const char* wait;  ///< milliseconds
  };
  const Row rows[] = {
      {"seconds", {{"retry-after", "2"}}, "2000"},
      {"no seconds", {{"retry-after", "0"}}, "0"},
      {"the longest number", {{"retry-after", "999999999"}}, "999999999000"},
      {"milliseconds", {{"retry-after-ms", "250"}}, "250"},
      {"milliseconds of storage", {{"x-ms-retry-after-ms", "250"}}, "250"},
      {"milliseconds before seconds", {{"retry-after", "9"}, {"x-ms-retry-after-ms", "1"}}, "1"},
      {"the general milliseconds first", {{"x-ms-retry-after-ms", "2"}, {"retry-after-ms", "1"}}, "1"},
      {"a date to come", {{"retry-after", "Sun, 01 Mar 2026 12:00:07 GMT"}}, "7000"},
      {"a date in another year", {{"retry-after", "Fri, 01 Jan 2027 12:00:00 GMT"}}, "26438400000"},
      {"now", {{"retry-after", "Sun, 01 Mar 2026 12:00:00 GMT"}}, "0"},
      {"a date that has passed", {{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}, "0"},
      {"unusable milliseconds, then seconds", {{"retry-after-ms", "soon"}, {"retry-after", "3"}}, "3000"},

      {"no header", {}, "nothing"},
      {"another header", {{"date", "Sun, 01 Mar 2026 12:00:07 GMT"}}, "nothing"},
      {"empty", {{"retry-after", ""}}, "nothing"},
      {"a word", {{"retry-after", "soon"}}, "nothing"},
      {"negative", {{"retry-after", "-1"}}, "nothing"},
      {"signed", {{"retry-after", "+1"}}, "nothing"},
      {"a fraction", {{"retry-after", "1.5"}}, "nothing"},
      {"with a unit", {{"retry-after", "1s"}}, "nothing"},
      {"hexadecimal", {{"retry-after", "0x10"}}, "nothing"},
      {"a number beyond all bounds", {{"retry-after", "99999999999999999999"}}, "nothing"},
      {"ten digits", {{"retry-after", "1000000000"}}, "nothing"},
      {"negative milliseconds", {{"retry-after-ms", "-1"}}, "nothing"},
      {"a day that does not exist", {{"retry-after", "Mon, 30 Feb 2026 12:00:00 GMT"}}, "nothing"},
      {"a month that does not exist", {{"retry-after", "Sun, 01 Foo 2026 12:00:00 GMT"}}, "nothing"},
      {"an hour that does not exist", {{"retry-after", "Sun, 01 Mar 2026 25:00:00 GMT"}}, "nothing"},
      {"half a date", {{"retry-after", "Sun, 01 Mar"}}, "nothing"},
      {"something behind a date", {{"retry-after", "Sun, 01 Mar 2026 12:00:07 GMT, 5"}}, "nothing"},
      {"another zone", {{"retry-after", "Sun, 01 Mar 2026 12:00:07 CET"}}, "nothing"},
      {"another form of date", {{"retry-after", "2026-03-01T12:00:07Z"}}, "nothing"},
  };
  const FakeClock clock;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(show_wait(retry_after(http_answer(503, row.headers), clock.now())) == row.wait);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_may_pass_is_tried_again) {
  struct Row {
    const char* name;
    Outcome first;
  };
  std::vector<Row> rows{{"unreachable", failure(HttpFailure::unreachable)},
                        {"timed out", failure(HttpFailure::timed_out)}};
  for (const int status : {408, 429, 500, 502, 503, 504})
    rows.push_back({"a transient status", http_answer(status)});
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name << " " << (row.first ? row.first->status : 0)) {
      Bench bench;
      const Outcome outcome = bench.send({row.first, http_answer(200)}, 3);
      BOOST_REQUIRE(outcome.has_value());
      BOOST_TEST(outcome->status == 200);
      BOOST_TEST(bench.http.calls.size() == 2U);
      BOOST_TEST(bench.timer.waits.size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_pass_is_tried_once) {
  struct Row {
    const char* name;
    Outcome outcome;
  };
  std::vector<Row> rows{{"an untrusted certificate", failure(HttpFailure::untrusted)},
                        {"an answer too large", failure(HttpFailure::too_large)},
                        {"no HTTP", failure(HttpFailure::malformed)}};
  for (const int status :
       {200, 202, 204, 206, 301, 302, 307, 400, 401, 403, 404, 409, 412, 416, 422, 501, 505})
    rows.push_back({"a final status", http_answer(status)});
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name << " " << (row.outcome ? row.outcome->status : 0)) {
      Bench bench;
      const Outcome outcome = bench.send({row.outcome, http_answer(299)}, 5);
      BOOST_TEST(outcome.has_value() == row.outcome.has_value());
      if (outcome) BOOST_TEST(outcome->status == row.outcome->status);
      if (!outcome) BOOST_TEST((outcome.error() == row.outcome.error()));
      BOOST_TEST(bench.http.calls.size() == 1U);
      BOOST_TEST(bench.timer.waits.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(an_untrusted_certificate_ends_a_series_of_retries) {
  Bench bench;
  const Outcome outcome =
      bench.send({http_answer(503), failure(HttpFailure::untrusted), http_answer(200)}, 5);
  BOOST_REQUIRE(!outcome.has_value());
  BOOST_TEST((outcome.error() == HttpFailure::untrusted));
  BOOST_TEST(bench.http.calls.size() == 2U);
}

BOOST_AUTO_TEST_CASE(retries_are_counted) {
  for (const unsigned retries : {0U, 1U, 3U, 5U}) {
    BOOST_TEST_CONTEXT(retries) {
      Bench bench;
      const Outcome outcome = bench.send({http_answer(503, {}, "last")}, retries);
      BOOST_REQUIRE(outcome.has_value());
      BOOST_TEST(outcome->status == 503);
      BOOST_TEST(outcome->body == "last");
      BOOST_TEST(bench.http.calls.size() == retries + 1);
      BOOST_TEST(bench.timer.waits.size() == retries);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_came_last_is_the_outcome) {
  Bench bench;
  const Outcome failed =
      bench.send({http_answer(503), http_answer(500), failure(HttpFailure::unreachable)}, 2);
  BOOST_REQUIRE(!failed.has_value());
  BOOST_TEST((failed.error() == HttpFailure::unreachable));
  const Outcome answered =
      bench.send({failure(HttpFailure::unreachable), http_answer(502), http_answer(404)}, 2);
  BOOST_REQUIRE(answered.has_value());
  BOOST_TEST(answered->status == 404);
}

// So that clients which failed together do not come back together.
BOOST_AUTO_TEST_CASE(waits_double_and_are_spread) {
  std::vector<long> first_waits;
  for (int run = 0; run < 200; ++run) {
    Bench bench;
    (void)bench.send({http_answer(500)}, 4);
    BOOST_REQUIRE_EQUAL(bench.timer.waits.size(), 4U);
    long base = 200;
    for (const auto wait : bench.timer.waits) {
      BOOST_TEST(wait.count() >= base * 8 / 10);
      BOOST_TEST(wait.count() <= base * 13 / 10);
      base *= 2;
    }
    first_waits.push_back(static_cast<long>(bench.timer.waits.front().count()));
  }
  const auto [least, most] = std::ranges::minmax(first_waits);
  BOOST_TEST(least < 180);
  BOOST_TEST(most > 240);
}

BOOST_AUTO_TEST_CASE(an_answer_that_asks_for_a_wait_gets_it) {
  Bench bench;
  (void)bench.send({http_answer(503, {{"retry-after", "3"}}), http_answer(429, {{"retry-after-ms", "7"}}),
                    http_answer(503, {{"retry-after", "Sun, 01 Mar 2026 12:00:05 GMT"}}), http_answer(200)},
                   3);
  const std::vector<std::chrono::milliseconds> waits{3000ms, 7ms, 5000ms};
  BOOST_TEST((bench.timer.waits == waits));
}

BOOST_AUTO_TEST_CASE(no_wait_reaches_the_deadline) {
  struct Row {
    const char* name;
    Outcome answer;
    std::chrono::milliseconds within;
    std::size_t calls;
  };
  const Row rows[] = {
      {"a wait that ends in time", http_answer(503, {{"retry-after-ms", "998"}}), 1000ms, 2},
      {"a wait that ends with the deadline", http_answer(503, {{"retry-after-ms", "999"}}), 1000ms, 1},
      {"a wait that ends behind it", http_answer(503, {{"retry-after", "60"}}), 1000ms, 1},
      {"a wait of decades", http_answer(503, {{"retry-after", "999999999"}}), 1000ms, 1},
      {"a date in the year 9999", http_answer(503, {{"retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"}}),
       1000ms, 1},
      {"a date of long ago", http_answer(503, {{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}}), 1000ms, 6},
      {"our own wait", http_answer(500), 150ms, 1},
      {"our own second wait", http_answer(500), 400ms, 2},
      {"nothing comes in all the time", failure(HttpFailure::timed_out), 1000ms, 1},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      const auto begin = bench.timer.time;
      const Outcome outcome = bench.send({row.answer}, 5, row.within);
      BOOST_TEST(outcome.has_value() == row.answer.has_value());
      BOOST_TEST(bench.http.calls.size() == row.calls);
      BOOST_TEST(bench.timer.waits.size() == row.calls - 1);
      BOOST_TEST((bench.timer.time - begin <= row.within));
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_behind_the_deadline) {
  for (const auto within : {0ms, -1ms, -1000ms}) {
    Bench bench;
    const Outcome outcome = bench.send({http_answer(200)}, 3, within);
    BOOST_REQUIRE(!outcome.has_value());
    BOOST_TEST((outcome.error() == HttpFailure::timed_out));
    BOOST_TEST(bench.http.calls.empty());
  }
}

BOOST_AUTO_TEST_CASE(each_attempt_gets_its_timeout_or_what_is_left) {
  Bench bench;
  bench.call.timeout = 700ms;
  (void)bench.send(
      {failure(HttpFailure::timed_out), http_answer(503, {{"retry-after-ms", "100"}}), http_answer(200)}, 3,
      1500ms);
  BOOST_REQUIRE_EQUAL(bench.http.calls.size(), 3U);
  BOOST_TEST(bench.http.calls[0].timeout.count() == 700);
  const auto waited = bench.timer.waits[0].count();
  BOOST_TEST(bench.http.calls[1].timeout.count() == std::min<long>(700, 800 - static_cast<long>(waited)));
  BOOST_TEST(bench.http.calls[2].timeout.count() == 1500 - 700 - waited - 1 - 100);
}

BOOST_AUTO_TEST_CASE(the_same_request_is_sent_each_time) {
  Bench bench;
  bench.call.method = "POST";
  bench.call.url = "https://app.example.com/";
  bench.call.headers = {"A: 1"};
  bench.call.body = "body";
  (void)bench.send({http_answer(500)}, 2);
  for (const HttpCall& call : bench.http.calls) {
    BOOST_TEST(call.method == "POST");
    BOOST_TEST(call.url == "https://app.example.com/");
    BOOST_TEST(call.headers == bench.call.headers);
    BOOST_TEST(call.body == "body");
  }
  BOOST_TEST(bench.http.calls.size() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
