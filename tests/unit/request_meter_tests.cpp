#include "core/request_meter.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/fake_meters.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

Event event(std::string_view endpoint, Status status, std::string_view code, std::string_view rule = {},
            std::string_view verb = {}) {
  Event event;
  event.endpoint = endpoint;
  event.status = status;
  event.code = code;
  event.rule = rule;
  event.verb = verb;
  event.user = "alice";
  event.blob = "alice/secret plans.txt";
  return event;
}

/// What one answered request adds to the counters; durations left out.
std::string counted(const FakeMeters& meters) {
  std::string text;
  for (const MeterTotal& total : meters.totals()) {
    if (total.value > 0 && !total.sample.starts_with("blobvalet_request_duration"))
      text.append(total.sample).append(" ").append(std::to_string(total.value)).append("\n");
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(request_meter_tests)

BOOST_AUTO_TEST_CASE(an_answer_counts_once_for_each_question) {
  struct Row {
    const char* name;
    Event event;
    const char* counted;
  };
  const Row rows[] = {
      {"a signature", event("signature", Status::ok, "ok", "own", "PUT"),
       "blobvalet_grants_total{endpoint=\"signature\",rule=\"own\",method=\"PUT\"} 1\n"
       "blobvalet_requests_total{endpoint=\"signature\",status=\"200\",code=\"ok\"} 1\n"},
      {"an upload", event("success", Status::ok, "ok", "own", "PUT"),
       "blobvalet_grants_total{endpoint=\"success\",rule=\"own\",method=\"PUT\"} 1\n"
       "blobvalet_requests_total{endpoint=\"success\",status=\"200\",code=\"ok\"} 1\n"},
      {"a list", event("session", Status::ok, "ok", "own"),
       "blobvalet_grants_total{endpoint=\"session\",rule=\"own\"} 1\n"
       "blobvalet_requests_total{endpoint=\"session\",status=\"200\",code=\"ok\"} 1\n"},
      {"a list that Azure does not give",
       event("session", Status::service_unavailable, "azure_refused", "own"),
       "blobvalet_refusals_total{endpoint=\"session\",rule=\"own\",code=\"azure_refused\"} 1\n"
       "blobvalet_requests_total{endpoint=\"session\",status=\"503\",code=\"azure_refused\"} 1\n"},
      {"a refusal that no rule made", event("signature", Status::forbidden, "not_allowed", {}, "PUT"),
       "blobvalet_refusals_total{endpoint=\"signature\",code=\"not_allowed\"} 1\n"
       "blobvalet_requests_total{endpoint=\"signature\",status=\"403\",code=\"not_allowed\"} 1\n"},
      {"a refusal within a rule",
       event("success", Status::unprocessable_content, "blob_too_large", "own", "PUT"),
       "blobvalet_refusals_total{endpoint=\"success\",rule=\"own\",code=\"blob_too_large\"} 1\n"
       "blobvalet_requests_total{endpoint=\"success\",status=\"422\",code=\"blob_too_large\"} 1\n"},
      {"a rule with a name of its own kind", event("signature", Status::ok, "ok", "a \"b\"\\\nc", "PUT"),
       "blobvalet_grants_total{endpoint=\"signature\",rule=\"a \\\"b\\\"\\\\\\nc\",method=\"PUT\"} 1\n"
       "blobvalet_requests_total{endpoint=\"signature\",status=\"200\",code=\"ok\"} 1\n"},
      {"health is neither", event("health", Status::service_unavailable, "ok"),
       "blobvalet_requests_total{endpoint=\"health\",status=\"503\",code=\"ok\"} 1\n"},
      {"metrics", event("metrics", Status::ok, "ok"),
       "blobvalet_requests_total{endpoint=\"metrics\",status=\"200\",code=\"ok\"} 1\n"},
      {"an endpoint that there is not", event("signature2", Status::internal_server_error, "misconfigured"),
       "blobvalet_requests_total{endpoint=\"other\",status=\"500\",code=\"misconfigured\"} 1\n"},
      {"none at all", event("", Status::internal_server_error, "misconfigured"),
       "blobvalet_requests_total{endpoint=\"other\",status=\"500\",code=\"misconfigured\"} 1\n"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      FakeMeters meters;
      RequestMeter meter(&meters);
      meter.answered(row.event, 60us);
      BOOST_TEST(counted(meters) == row.counted);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_differs_in_one_thing_is_counted_apart) {
  FakeMeters meters;
  RequestMeter meter(&meters);
  for (const Event& one :
       {event("signature", Status::ok, "ok", "a", "PUT"), event("signature", Status::ok, "ok", "b", "PUT"),
        event("signature", Status::ok, "ok", "a", "DELETE"), event("success", Status::ok, "ok", "a", "PUT"),
        event("health", Status::ok, "ok"), event("health", Status::service_unavailable, "ok"),
        // No way to be taken for another one by a name with a line feed.
        event("signature", Status::ok, "ok", "PUT", ""),
        event("signature", Status::ok, "ok", "a\n!", "PUT")}) {
    for (int i = 0; i < 3; ++i)
      meter.answered(one, 1ms);
  }
  BOOST_TEST(counted(meters) ==
             "blobvalet_grants_total{endpoint=\"signature\",rule=\"PUT\"} 3\n"
             "blobvalet_grants_total{endpoint=\"signature\",rule=\"a\",method=\"DELETE\"} 3\n"
             "blobvalet_grants_total{endpoint=\"signature\",rule=\"a\",method=\"PUT\"} 3\n"
             "blobvalet_grants_total{endpoint=\"signature\",rule=\"a\\n!\",method=\"PUT\"} 3\n"
             "blobvalet_grants_total{endpoint=\"signature\",rule=\"b\",method=\"PUT\"} 3\n"
             "blobvalet_grants_total{endpoint=\"success\",rule=\"a\",method=\"PUT\"} 3\n"
             "blobvalet_requests_total{endpoint=\"health\",status=\"200\",code=\"ok\"} 3\n"
             "blobvalet_requests_total{endpoint=\"health\",status=\"503\",code=\"ok\"} 3\n"
             "blobvalet_requests_total{endpoint=\"signature\",status=\"200\",code=\"ok\"} 15\n"
             "blobvalet_requests_total{endpoint=\"success\",status=\"200\",code=\"ok\"} 3\n");
}

BOOST_AUTO_TEST_CASE(rules_without_room_are_counted_together) {
  FakeMeters meters;
  meters.room = 1;
  RequestMeter meter(&meters);
  for (const char* rule : {"first", "second", "third"})
    meter.answered(event("signature", Status::ok, "ok", rule, "PUT"), 1ms);
  meter.answered(event("success", Status::unprocessable_content, "blob_too_large", "second", "PUT"), 1ms);
  BOOST_TEST(counted(meters) ==
             "blobvalet_grants_total{endpoint=\"signature\",rule=\"first\",method=\"PUT\"} 1\n"
             "blobvalet_grants_total{endpoint=\"signature\",rule=\"other\",method=\"PUT\"} 2\n"
             "blobvalet_refusals_total{endpoint=\"success\",rule=\"other\",code=\"blob_too_large\"} 1\n"
             "blobvalet_requests_total{endpoint=\"signature\",status=\"200\",code=\"ok\"} 3\n"
             "blobvalet_requests_total{endpoint=\"success\",status=\"422\",code=\"blob_too_large\"} 1\n");
}

BOOST_AUTO_TEST_CASE(durations_are_those_of_the_endpoint) {
  FakeMeters meters;
  RequestMeter meter(&meters);
  meter.answered(event("signature", Status::ok, "ok", "a", "PUT"), 60us);
  meter.answered(event("success", Status::ok, "ok", "a", "PUT"), 600ms);
  meter.answered(event("session", Status::ok, "ok", "a"), 300ms);
  meter.answered(event("health", Status::ok, "ok"), 5s);
  std::string sums;
  for (const MeterTotal& total : meters.totals()) {
    if (total.sample.find("_sum") != std::string::npos)
      sums.append(total.sample).append(" ").append(seconds_text(total.value)).append("\n");
  }
  BOOST_TEST(sums ==
             "blobvalet_request_duration_seconds_sum{endpoint=\"session\"} 0.3\n"
             "blobvalet_request_duration_seconds_sum{endpoint=\"signature\"} 0.00006\n"
             "blobvalet_request_duration_seconds_sum{endpoint=\"success\"} 0.6\n");
}

BOOST_AUTO_TEST_CASE(counting_allocates_nothing_and_may_be_left_out) {
  RequestMeter(nullptr).answered(event("signature", Status::ok, "ok", "a", "PUT"), 1ms);
  FakeMeters meters;
  RequestMeter meter(&meters);
  const Event granted = event("signature", Status::ok, "ok", "a rule with a rather long name", "PUT");
  meter.answered(granted, 1ms);
  const AllocationCount allocations;
  meter.answered(granted, 1ms);
  BOOST_TEST(allocations.calls() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
