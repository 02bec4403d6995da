#include "core/key_status.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// `time skew [account: reason since]...`, or `none`.
std::string show(const std::optional<KeyStatus>& status) {
  if (!status) return "none";
  std::string text(UtcText(status->written).view());
  text.append(status->clock_skew ? " " + std::to_string(status->clock_skew->count()) : " -");
  for (const KeyStatus::Failure& failure : status->failures)
    text.append(" [" + failure.account + ": " + failure.reason + " ")
        .append(UtcText(failure.since).view())
        .append("]");
  if (!status->unreachable) return text;
  for (const KeyStatus::Failure& failure : *status->unreachable)
    text.append(" unreachable " + failure.account + ": " + failure.reason);
  return text.append(" asked");
}

KeyStatus full_status() {
  return {at("2026-03-01T12:00:00Z"),
          {{"acme", "the token endpoint answered \"401\"\n\\", at("2026-03-01T11:00:00Z")},
           {"other", "", at("2026-02-28T23:59:59Z")}},
          -61s};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_status_tests)

BOOST_AUTO_TEST_CASE(a_status_is_one_line_of_json) {
  BOOST_TEST(
      full_status().to_json() ==
      R"({"time":"2026-03-01T12:00:00Z","clock_skew_seconds":-61,"failures":[)"
      R"({"account":"acme","reason":"the token endpoint answered \"401\"\n\\","since":"2026-03-01T11:00:00Z"},)"
      R"({"account":"other","reason":"","since":"2026-02-28T23:59:59Z"}]})"
      "\n");
  BOOST_TEST((KeyStatus{at("2026-03-01T12:00:00Z"), {}, {}}.to_json()) ==
             "{\"time\":\"2026-03-01T12:00:00Z\",\"failures\":[]}\n");
}

BOOST_AUTO_TEST_CASE(what_was_written_is_read) {
  for (const KeyStatus& status : {full_status(), KeyStatus{at("2026-03-01T12:00:00Z"), {}, {}},
                                  KeyStatus{at("2026-03-01T12:00:00Z"), {}, 0s}}) {
    BOOST_TEST(show(KeyStatus::parse(status.to_json())) == show(status));
  }
}

BOOST_AUTO_TEST_CASE(who_cannot_be_reached_is_told) {
  KeyStatus status{at("2026-03-01T12:00:00Z"), {}, {}};
  BOOST_TEST((status.why_unreachable("acme") == nullptr));
  status.unreachable.emplace();
  BOOST_TEST(status.to_json() == "{\"time\":\"2026-03-01T12:00:00Z\",\"failures\":[],\"unreachable\":[]}\n");
  BOOST_TEST(show(KeyStatus::parse(status.to_json())) == "2026-03-01T12:00:00Z - asked");
  status.unreachable->push_back({"acme", "cannot be reached", at("2026-03-01T11:00:00Z")});
  BOOST_TEST(show(KeyStatus::parse(status.to_json())) ==
             "2026-03-01T12:00:00Z - unreachable acme: cannot be reached asked");
  BOOST_REQUIRE((status.why_unreachable("acme") != nullptr));
  BOOST_TEST(status.why_unreachable("acme")->reason == "cannot be reached");
  BOOST_TEST((status.why_unreachable("other") == nullptr));
}

BOOST_AUTO_TEST_CASE(any_other_text_is_no_status) {
  struct Row {
    const char* name;
    std::string text;
    const char* status;
  };
  const std::string time = R"("time":"2026-03-01T12:00:00Z")";
  const Row rows[] = {
      {"empty", "", "none"},
      {"cut short", full_status().to_json().substr(0, 60), "none"},
      {"the end cut off", full_status().to_json().substr(0, full_status().to_json().size() - 2), "none"},
      {"twice", full_status().to_json() + full_status().to_json(), "none"},
      {"NULs", std::string(64, '\0'), "none"},
      {"a list", "[]", "none"},
      {"no time", R"({"failures":[]})", "none"},
      {"a time that is a number", R"({"time":1772366400})", "none"},
      {"a time of another form", R"({"time":"2026-03-01 12:00:00"})", "none"},
      {"a failure that is none", "{" + time + R"(,"failures":[1]})", "none"},
      {"a failure without account",
       "{" + time + R"(,"failures":[{"reason":"r","since":"2026-03-01T12:00:00Z"}]})", "none"},
      {"a failure without reason",
       "{" + time + R"(,"failures":[{"account":"a","since":"2026-03-01T12:00:00Z"}]})", "none"},
      {"a failure without time", "{" + time + R"(,"failures":[{"account":"a","reason":"r"}]})", "none"},
      {"a failure at no time", "{" + time + R"(,"failures":[{"account":"a","reason":"r","since":"now"}]})",
       "none"},
      {"an unreachable one without account",
       "{" + time + R"(,"unreachable":[{"reason":"r","since":"2026-03-01T12:00:00Z"}]})", "none"},
      {"deeply nested", std::string(100'000, '['), "none"},
      // Of a later release, which may say more.
      {"more members", "{" + time + R"(,"failures":[],"more":{}})", "2026-03-01T12:00:00Z -"},
      {"no failures", "{" + time + "}", "2026-03-01T12:00:00Z -"},
      {"a skew that is a fraction", "{" + time + R"(,"clock_skew_seconds":1.5})", "2026-03-01T12:00:00Z -"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(show(KeyStatus::parse(row.text)) == row.status);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
