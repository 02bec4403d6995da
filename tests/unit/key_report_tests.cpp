#include "core/key_report.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Key = KeyReport::Key;
using Kind = KeyVerdict::Kind;

const UtcSeconds kNow = at("2026-03-01T12:00:00Z");
const UtcSeconds kLongAgo = at("2026-02-01T00:00:00Z");

Key key(KeyRole role, bool in_use, std::string fingerprint) {
  Key key;
  key.account = "acme";
  key.role = role;
  key.in_use = in_use;
  key.source = KeySource{KeySource::Kind::file, role == KeyRole::next ? "two.key" : "one.key"};
  key.fingerprint = std::move(fingerprint);
  key.verdict = KeyVerdict{Kind::works, {}};
  return key;
}

/// A rotation: `next` has taken over.
KeyReport rotation() {
  KeyReport report;
  report.now = kNow;
  report.has_ledger = true;
  report.keys = {key(KeyRole::current, false, "0123456789abcdef"),
                 key(KeyRole::next, true, "fedcba9876543210")};
  report.keys[0].signed_until.time = kNow + 723s;
  report.keys[1].signed_until.time = kNow + 900s;
  return report;
}

KeyReport identity() {
  KeyReport report;
  report.now = kNow;
  report.has_ledger = true;
  report.keys = {key(KeyRole::user_delegation, true, "0123456789abcdef")};
  report.keys[0].source.reset();
  report.keys[0].valid_until = kNow + 48h;
  return report;
}

/// What follows the table.
std::string advice(const KeyReport& report) {
  std::string text = report.to_text();
  for (std::size_t i = 0; i <= report.keys.size(); ++i)
    text.erase(0, text.find('\n') + 1);
  return text;
}

template <class Change>
KeyReport changed(KeyReport report, Change change) {
  change(report);
  report.conclude(std::nullopt, kLongAgo);
  return report;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_report_tests)

BOOST_AUTO_TEST_CASE(a_table_and_what_to_do_next) {
  const KeyReport report = changed(rotation(), [](KeyReport&) {});
  BOOST_TEST(
      report.to_text() ==
      "account  key      fingerprint       in use  source        Azure  SAS until\n"
      "acme     current  0123456789abcdef  no      file one.key  works  2026-03-01T12:12:03Z (in 12 min 3 "
      "s)\n"
      "acme     next     fedcba9876543210  yes     file two.key  works  2026-03-01T12:15:00Z (in 15 min)\n"
      "acme: next signs; current must not be regenerated in Azure before 2026-03-01T12:12:04Z (in 12 min 4 "
      "s)\n");
  BOOST_TEST(report.is_fine());
}

BOOST_AUTO_TEST_CASE(advice_fits_the_situation) {
  const std::string now = "may be regenerated in Azure now";
  const std::string wait = "must not be regenerated in Azure before ";
  struct Row {
    const char* name;
    KeyReport report;
    std::string advice;
    bool is_fine;
  };
  const Row rows[] = {
      {"nothing is outstanding",
       changed(rotation(), [](KeyReport& r) { r.keys[0].signed_until.time = kNow - 1s; }),
       "acme: next signs; current " + now + ", or take over: blobvalet keys switch acme\n", true},
      {"nothing ever was", changed(rotation(), [](KeyReport& r) { r.keys[0].signed_until.time.reset(); }),
       "acme: next signs; current " + now + ", or take over: blobvalet keys switch acme\n", true},
      {"it ends this second", changed(rotation(), [](KeyReport& r) { r.keys[0].signed_until.time = kNow; }),
       "acme: next signs; current " + wait + "2026-03-01T12:00:01Z (in 1 s)\n", true},
      {"before any switch",
       changed(rotation(),
               [](KeyReport& r) {
                 r.keys[0].in_use = true;
                 r.keys[1].in_use = false;
                 r.keys[1].signed_until.time.reset();
               }),
       "acme: current signs; next " + now + ", or take over: blobvalet keys switch acme\n", true},
      {"Azure was not asked",
       changed(rotation(),
               [](KeyReport& r) {
                 r.keys[0].verdict.reset();
                 r.keys[1].verdict.reset();
                 r.keys[0].signed_until.time.reset();
               }),
       "acme: next signs; current " + now + "\n", true},
      {"the spare one is wrong",
       changed(rotation(),
               [](KeyReport& r) {
                 r.keys[0].verdict = KeyVerdict{Kind::wrong, "no key of this account"};
                 r.keys[0].signed_until.time.reset();
               }),
       "acme: current: no key of this account\nacme: next signs; current " + now + "\n", true},
      {"the one in use is wrong",
       changed(rotation(),
               [](KeyReport& r) {
                 r.keys[1].verdict = KeyVerdict{Kind::wrong, "no key of this account"};
               }),
       "acme: next: no key of this account\nacme: next signs; current " + wait +
           "2026-03-01T12:12:04Z (in 12 min 4 s)\n",
       false},
      {"nobody knows of the one in use",
       changed(rotation(),
               [](KeyReport& r) {
                 r.keys[1].verdict = KeyVerdict{Kind::unknown, "Azure cannot be reached"};
               }),
       "acme: next: Azure cannot be reached\nacme: next signs; current " + wait +
           "2026-03-01T12:12:04Z (in 12 min 4 s)\n",
       false},
      {"one key cannot be read",
       changed(rotation(),
               [](KeyReport& r) {
                 r.keys[0].fingerprint.clear();
                 r.keys[0].fault = "cannot be opened: No such file or directory";
                 r.keys[0].verdict.reset();
                 r.keys[0].signed_until = {kNow + 900s, true};
               }),
       "acme: current: cannot be opened: No such file or directory\nacme: next signs; current " + wait +
           "2026-03-01T12:15:01Z (in 15 min 1 s)\n",
       true},
      {"both are the same",
       changed(rotation(), [](KeyReport& r) { r.keys[0].fingerprint = r.keys[1].fingerprint; }),
       "acme: next signs; current is the same key: put the account's other key into its place\n", true},
      {"there is no ledger",
       changed(rotation(),
               [](KeyReport& r) {
                 r.has_ledger = false;
                 r.keys[0].signed_until = {kNow + 900s, true};
               }),
       "acme: next signs; current " + wait +
           "2026-03-01T12:15:01Z (in 15 min 1 s)\nledger: none can be read here, so SAS may be valid "
           "as long as "
           "any\n",
       true},
      {"an identity", changed(identity(), [](KeyReport&) {}),
       "acme: user delegation: valid until 2026-03-03T12:00:00Z (in 2 d)\n", true},
      {"an identity that fails",
       changed(identity(), [](KeyReport& r) { r.keys[0].renewal_failure = "nobody answers"; }),
       "acme: user delegation: cannot be renewed: nobody answers\nacme: user delegation: valid until "
       "2026-03-03T12:00:00Z (in 2 d)\n",
       true},
      {"an expired key", changed(identity(), [](KeyReport& r) { r.keys[0].valid_until = kNow; }),
       "acme: user delegation: has expired\n", false},
      {"an identity without a key",
       changed(identity(),
               [](KeyReport& r) {
                 r.keys[0].fingerprint.clear();
                 r.keys[0].valid_until.reset();
                 r.keys[0].verdict.reset();
                 r.keys[0].fault = "there is no user delegation key yet";
               }),
       "acme: user delegation: there is no user delegation key yet\n", false},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(advice(row.report) == row.advice);
      BOOST_TEST(row.report.is_fine() == row.is_fine);
    }
  }
}

// SAS end by Azure's clock, and workers take a moment to follow the configuration.
BOOST_AUTO_TEST_CASE(regenerating_waits_for_clocks_and_workers) {
  struct Row {
    const char* name;
    std::optional<std::chrono::seconds> measured;
    std::optional<std::chrono::seconds> answered;
    UtcSeconds switched;
    const char* after;
    std::optional<std::chrono::seconds> skew;
  };
  const Row rows[] = {
      {"clocks that agree", 0s, {}, kLongAgo, "2026-03-01T12:12:04Z", 0s},
      {"nobody knows", {}, {}, kLongAgo, "2026-03-01T12:12:04Z", {}},
      {"Azure is behind", 30s, {}, kLongAgo, "2026-03-01T12:12:34Z", 30s},
      {"Azure is ahead", -30s, {}, kLongAgo, "2026-03-01T12:12:04Z", -30s},
      {"the answer says more", 30s, 60s, kLongAgo, "2026-03-01T12:13:04Z", 60s},
      {"the answer says less", -30s, 20s, kLongAgo, "2026-03-01T12:12:04Z", -30s},
      {"only the answer says", {}, 20s, kLongAgo, "2026-03-01T12:12:24Z", 20s},
      {"switched a moment ago", 0s, {}, kNow + 800s, "2026-03-01T12:13:22Z", 0s},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      KeyReport report = rotation();
      report.keys[1].verdict->clock_skew = row.answered;
      report.conclude(row.measured, row.switched);
      BOOST_REQUIRE(report.keys[0].regenerate_after.has_value());
      BOOST_TEST(UtcText(*report.keys[0].regenerate_after).view() == row.after);
      BOOST_TEST(!report.keys[1].regenerate_after.has_value());
      BOOST_TEST((report.clock_skew == row.skew));
    }
  }
  KeyReport report = rotation();
  report.conclude(61s, kLongAgo);
  BOOST_TEST(report.to_text().ends_with("\nclock: this machine is 1 min 1 s ahead of Azure\n"));
  report.conclude(-1s, kLongAgo);
  BOOST_TEST(report.to_text().ends_with("\nclock: this machine is 1 s behind Azure\n"));
}

BOOST_AUTO_TEST_CASE(a_ledger_knows_nothing_of_the_time_before_it) {
  struct Row {
    const char* name;
    std::optional<UtcSeconds> noted;
    std::optional<UtcSeconds> since;
    std::optional<UtcSeconds> until;
    bool is_bound;
  };
  const Row rows[] = {
      {"an old one, noted", kNow + 5s, kLongAgo, kNow + 5s, false},
      {"an old one, nothing noted", {}, kLongAgo, {}, false},
      {"an old one, all over", kNow - 5s, kLongAgo, kNow - 5s, false},
      {"just old enough", {}, kNow - 900s, {}, false},
      {"a young one, nothing noted", {}, kNow - 100s, kNow + 800s, true},
      {"a young one that has noted less", kNow + 5s, kNow - 100s, kNow + 800s, true},
      {"a young one that has noted more", kNow + 900s, kNow - 100s, kNow + 900s, false},
      {"none", {}, {}, kNow + 900s, true},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto until = SignedUntil::from(row.noted, row.since, 900s, kNow);
      BOOST_TEST((until.time == row.until));
      BOOST_TEST(until.is_bound == row.is_bound);
    }
  }
  const KeyReport report = changed(rotation(), [](KeyReport& r) { r.keys[0].signed_until.is_bound = true; });
  BOOST_TEST(report.to_text().find("works  at most 2026-03-01T12:12:03Z (in 12 min 3 s)\n") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(programs_read_json) {
  KeyReport report = rotation();
  report.keys[0].verdict = KeyVerdict{Kind::refused, "a \"reason\""};
  report.conclude(-3s, kLongAgo);
  BOOST_TEST(
      report.to_json() ==
      R"({"time":"2026-03-01T12:00:00Z","clock_skew_seconds":-3,"ledger":true,"keys":[)"
      R"({"account":"acme","key":"current","in_use":false,"fingerprint":"0123456789abcdef","source":"file",)"
      R"("name":"one.key","azure":"refused","azure_reason":"a \"reason\"","signed_until":"2026-03-01T12:12:03Z",)"
      R"("signed_until_is_bound":false,"regenerate_after":"2026-03-01T12:12:04Z"},)"
      R"({"account":"acme","key":"next","in_use":true,"fingerprint":"fedcba9876543210","source":"file",)"
      R"("name":"two.key","azure":"works","signed_until":"2026-03-01T12:15:00Z","signed_until_is_bound":false}]})"
      "\n");
  KeyReport none = identity();
  none.keys[0].verdict.reset();
  none.keys[0].renewal_failure = "nobody answers";
  none.has_ledger = false;
  none.conclude(std::nullopt, kLongAgo);
  BOOST_TEST(
      none.to_json() ==
      R"({"time":"2026-03-01T12:00:00Z","ledger":false,"keys":[{"account":"acme","key":"user_delegation",)"
      R"("in_use":true,"fingerprint":"0123456789abcdef","source":"identity","azure":"not_asked",)"
      R"("signed_until":null,"signed_until_is_bound":false,"valid_until":"2026-03-03T12:00:00Z",)"
      R"("renewal_failure":"nobody answers"}]})"
      "\n");
}

BOOST_AUTO_TEST_CASE(durations_are_read_at_a_glance) {
  const std::pair<std::chrono::seconds, const char*> rows[] = {
      {-1s, "0 s"},    {0s, "0 s"},           {45s, "45 s"},
      {60s, "1 min"},  {723s, "12 min 3 s"},  {3600s, "1 h"},
      {3601s, "1 h"},  {7500s, "2 h 5 min"},  {86399s, "23 h 59 min"},
      {86400s, "1 d"}, {86400s + 59s, "1 d"}, {518400s + 3600s, "6 d 1 h"},
  };
  for (const auto& [duration, text] : rows)
    BOOST_TEST(describe(duration) == text);
}

BOOST_AUTO_TEST_CASE(sources_are_named_never_shown) {
  BOOST_TEST(describe(KeySource{KeySource::Kind::file, "a.key"}) == "file a.key");
  BOOST_TEST(describe(KeySource{KeySource::Kind::environment, "KEY"}) == "environment KEY");
  BOOST_TEST(describe(KeySource{KeySource::Kind::credential, "key"}) == "credential key");
  BOOST_TEST(describe(std::optional<KeySource>()) == "identity");
}

BOOST_AUTO_TEST_SUITE_END()
