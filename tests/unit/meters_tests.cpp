#include "core/meters.hpp"
#include "core/timed_http.hpp"
#include "tests/unit/fake_meters.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(meters_tests)

BOOST_AUTO_TEST_CASE(a_sample_is_named_as_prometheus_writes_it) {
  struct Row {
    const char* name;
    std::vector<std::pair<std::string_view, std::string_view>> labels;
    const char* sample;
  };
  const Row rows[] = {
      {"no label", {}, "m"},
      {"an empty value", {{"a", ""}}, "m{a=\"\"}"},
      {"two", {{"a", "1"}, {"b", "2"}}, "m{a=\"1\",b=\"2\"}"},
      {"what has to be escaped", {{"a", "x\\y\"z\nw"}}, "m{a=\"x\\\\y\\\"z\\nw\"}"},
      {"braces and commas", {{"a", "},{=\xc3\xa4"}}, "m{a=\"},{=\xc3\xa4\"}"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(sample_name("m", row.labels) == row.sample);
    }
  }
}

BOOST_AUTO_TEST_CASE(nanoseconds_are_written_as_seconds) {
  struct Row {
    std::uint64_t nanoseconds;
    const char* text;
  };
  for (const Row& row :
       {Row{0, "0"}, Row{1, "0.000000001"}, Row{25'000, "0.000025"}, Row{500'000'000, "0.5"},
        Row{1'000'000'000, "1"}, Row{10'000'000'000, "10"}, Row{2'500'000'000, "2.5"},
        Row{1'000'000'001, "1.000000001"}, Row{18'446'744'073'709'551'615U, "18446744073.709551615"}})
    BOOST_TEST(seconds_text(row.nanoseconds) == row.text);
}

BOOST_AUTO_TEST_CASE(a_duration_counts_in_the_bucket_that_holds_it) {
  struct Row {
    const char* name;
    std::chrono::nanoseconds duration;
    const char* counted;
  };
  const Row rows[] = {
      {"nothing", 0ns, "h_bucket{a=\"b\",le=\"0.000025\"} 1\n"},
      {"back in time", -1ns, "h_bucket{a=\"b\",le=\"0.000025\"} 1\n"},
      {"a bound belongs to its bucket", 25us, "h_bucket{a=\"b\",le=\"0.000025\"} 1\nh_sum{a=\"b\"} 25000\n"},
      {"a little more", 25001ns, "h_bucket{a=\"b\",le=\"0.00005\"} 1\nh_sum{a=\"b\"} 25001\n"},
      {"the last bound", 10s, "h_bucket{a=\"b\",le=\"10\"} 1\nh_sum{a=\"b\"} 10000000000\n"},
      {"beyond all", 3600s, "h_bucket{a=\"b\",le=\"+Inf\"} 1\nh_sum{a=\"b\"} 3600000000000\n"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      FakeMeters meters;
      const Histogram histogram(meters, "h", "a=\"b\"");
      BOOST_TEST(meters.figures.size() == Histogram::kBounds.size() + 2);
      histogram.observe(row.duration);
      BOOST_TEST(meters.counted() == row.counted);
    }
  }
  Histogram().observe(1s);  // counts nothing, and does no harm
  FakeMeters bare;
  Histogram(bare, "h", {}).observe(1s);
  BOOST_TEST(bare.counted() == "h_bucket{le=\"1\"} 1\nh_sum 1000000000\n");
}

BOOST_AUTO_TEST_CASE(what_is_present_is_counted_while_it_is) {
  Meter meter;
  {
    const Presence one(&meter);
    const Presence two(&meter);
    const Presence nowhere(nullptr);
    BOOST_TEST(meter.value() == 2U);
  }
  BOOST_TEST(meter.value() == 0U);
}

BOOST_AUTO_TEST_CASE(requests_are_timed_answered_or_not) {
  FakeTimer timer;
  FakeHttp http(timer);
  http.answers = {http_answer(200), tl::unexpected(HttpFailure::timed_out)};
  FakeMeters meters;
  TimedHttp timed(http, timer, Histogram(meters, "azure", {}));
  HttpCall call;
  call.timeout = 700ms;
  BOOST_TEST(timed.send(call).has_value());
  BOOST_TEST(!timed.send(call).has_value());
  BOOST_TEST(http.calls.size() == 2U);
  BOOST_TEST(meters.counted() ==
             "azure_bucket{le=\"0.001\"} 1\nazure_bucket{le=\"1\"} 1\nazure_sum 701000000\n");
}

BOOST_AUTO_TEST_SUITE_END()
