#include "core/key_renewal.hpp"
#include "tests/unit/identity_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [{"name": "acme", "endpoint": "https://acme.blob.core.windows.net", "ca_file": "azure.pem",
                "credential": {"type": "client_secret", "tenant_id": "tenant", "secret_env": "S",
                               "client_id": "01234567-89ab-cdef-0123-456789abcdef"}}],
  "rules": [{"name": "r", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"]}]
})";

/// Keeps the keys of one account in memory; `failure` makes writing fail.
class FakeStore final : public DelegationKeyStore {
 public:
  [[nodiscard]] std::optional<DelegationKeyText> read(const std::string& account) override {
    read_accounts.append(account).append(" ");
    return text.empty() ? std::nullopt : DelegationKeyText::parse(text);
  }
  void write(const std::string& account, const UserDelegationKey& key, const std::string& origin) override {
    if (!failure.empty()) throw std::runtime_error(failure);
    text = reveal_text(delegation_key_text(key, origin));
    written.append(account).append(" until ").append(key.expiry).append("\n");
  }
  std::string text;
  std::string failure;
  std::string read_accounts;
  std::string written;
};

FakeHttp::Outcome key_answer(std::string_view start, std::string_view expiry) {
  std::string xml(
      "<UserDelegationKey><SignedOid>f81d4fae-7dec-11d0-a765-00a0c91e6bf6</SignedOid>"
      "<SignedTid>72f988bf-86f1-41af-91ab-2d7cd011db47</SignedTid>");
  xml.append("<SignedStart>").append(start).append("</SignedStart><SignedExpiry>").append(expiry);
  xml.append(
      "</SignedExpiry><SignedService>b</SignedService><SignedVersion>2023-11-03</SignedVersion><Value>");
  xml.append("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Value></UserDelegationKey>");
  return http_answer(200, {}, xml);
}

/// One account's renewal in a world of fakes, at 2026-03-01T12:00:00Z. Without jitter, unless it is given.
struct Bench : IdentityBench {
  explicit Bench(std::string_view json = kSite) : config(config_from(json)) {}

  void start(double jitter = 0, std::chrono::seconds longest_sas = 15min) {
    const Account& account = config.accounts.at(0);
    renewal.emplace(account, environment, longest_sas,
                    TokenSource(*account.identity, environment,
                                std::make_shared<const SecretBytes>(secret("hush")), ports),
                    DelegationKeyClient(http, timer, clock), store, clock, jitter);
  }
  IdentityEnvironment environment = {};
  /// Until when it waits, and how it went: `12:00:05 later: reason since 12:00:00`.
  std::string run() {
    http.calls.clear();
    const UtcSeconds next = renewal->run();
    BOOST_TEST((next > clock.time));
    std::string text(UtcText(next).view());
    if (const auto& failure = renewal->failure())
      text.append(" ")
          .append(failure->account)
          .append(": ")
          .append(failure->reason)
          .append(", since ")
          .append(UtcText(failure->since).view());
    return text;
  }
  /// The same with the answers to come.
  std::string run(std::vector<Outcome> answers) {
    http.answers = std::move(answers);
    return run();
  }
  /// A first key, until 2026-03-04T12:00:00Z.
  void fetch_first() {
    start();
    BOOST_REQUIRE_EQUAL(run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}),
                        "2026-03-03T00:00:00Z");
    store.written.clear();
  }
  [[nodiscard]] std::string current() const {
    return renewal->current() ? renewal->current()->key.expiry : "none";
  }

  Config config;
  FakeStore store;
  std::optional<KeyRenewal> renewal;
};

constexpr std::string_view kRefused = "client secret: the token endpoint answered 401";

FakeHttp::Outcome refused_key(int status, std::string_view code,
                              std::vector<std::pair<std::string, std::string>> headers = {}) {
  headers.emplace_back("x-ms-error-code", code);
  return http_answer(status, std::move(headers));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_renewal_tests)

BOOST_AUTO_TEST_CASE(a_key_is_renewed_at_half_its_life) {
  struct Row {
    const char* name;
    const char* expiry;
    std::chrono::seconds longest_sas;
    double jitter;
    const char* renewal;
  };
  constexpr Row kRows[] = {
      {"three days", "2026-03-04T12:00:00Z", 15min, 0, "2026-03-03T00:00:00Z"},
      {"three days, late", "2026-03-04T12:00:00Z", 15min, 1, "2026-03-03T07:12:00Z"},
      {"three days, in between", "2026-03-04T12:00:00Z", 15min, 0.5, "2026-03-03T03:36:00Z"},
      {"six days", "2026-03-07T12:00:00Z", 15min, 0, "2026-03-04T12:00:00Z"},
      {"ten minutes", "2026-03-01T12:10:00Z", 15min, 0, "2026-03-01T12:05:00Z"},
      {"ten minutes, late", "2026-03-01T12:10:00Z", 15min, 1, "2026-03-01T12:06:00Z"},
      {"SAS of a day", "2026-03-04T12:00:00Z", 24h, 0, "2026-03-03T00:00:00Z"},
      {"SAS of a day and a half", "2026-03-04T12:00:00Z", 36h, 0, "2026-03-02T23:00:00Z"},
      {"SAS of two days", "2026-03-04T12:00:00Z", 48h, 1, "2026-03-02T11:00:00Z"},
      {"SAS that a fresh key outlasts by an hour and a second", "2026-03-04T12:00:00Z", 71h - 1s, 0,
       "2026-03-01T12:00:01Z"},
      {"SAS that no key outlasts by an hour", "2026-03-04T12:00:00Z", 71h, 0, "2026-03-03T00:00:00Z"},
      {"SAS of a week", "2026-03-04T12:00:00Z", 168h, 0, "2026-03-03T00:00:00Z"},
      {"none is signed", "2026-03-04T12:00:00Z", 0s, 0, "2026-03-03T00:00:00Z"},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      const UtcSeconds time =
          renewal_time(at("2026-03-01T12:00:00Z"), at(row.expiry), row.longest_sas, row.jitter);
      BOOST_TEST(UtcText(time).view() == row.renewal);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_longest_sas_is_that_of_the_accounts_rules) {
  const auto longest = [](const std::string& rules, std::size_t account = 0) {
    const Config config = config_from(
        R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"default"}},
                        {"name":"other","endpoint":"https://other","credential":{"type":"default"}}],
            "rules":[)" +
        rules + "]}");
    return longest_sas(config, account).count();
  };
  const auto rule = [](const std::string& account, const std::string& members) {
    return R"({"name":")" + account + std::to_string(members.size()) + R"(","account":")" + account +
           R"(","container":"uploads","blobs":["**"],)" + members + "}";
  };
  const std::string sas = R"("sas":{"put_lifetime_seconds":1000,"delete_lifetime_seconds":2000})";
  BOOST_TEST(longest(rule("acme", R"("methods":["PUT"],)" + sas)) == 1000);
  BOOST_TEST(longest(rule("acme", R"("methods":["DELETE"],)" + sas)) == 2000);
  BOOST_TEST(longest(rule("acme", R"("methods":["PUT","DELETE"],)" + sas)) == 2000);
  BOOST_TEST(longest(rule("acme", R"("methods":["PUT"])")) == 900);
  BOOST_TEST(longest(rule("acme", R"("methods":["PUT"])") + "," +
                     rule("acme", R"("methods":["PUT"],)" + sas)) == 1000);
  BOOST_TEST(longest(rule("other", R"("methods":["PUT"],)" + sas)) == 0);
  BOOST_TEST(longest(rule("other", R"("methods":["PUT"],)" + sas), 1) == 1000);
}

BOOST_AUTO_TEST_CASE(the_first_key_is_fetched_at_once) {
  Bench bench;
  bench.start();
  BOOST_TEST(bench.store.read_accounts == "acme ");
  BOOST_TEST(bench.current() == "none");
  BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}) ==
             "2026-03-03T00:00:00Z");
  BOOST_TEST(bench.current() == "2026-03-04T12:00:00Z");
  BOOST_TEST(bench.store.written == "acme until 2026-03-04T12:00:00Z\n");
  BOOST_REQUIRE_EQUAL(bench.http.calls.size(), 2U);
  const HttpCall& call = bench.http.calls[1];
  BOOST_TEST(call.url.starts_with("https://acme.blob.core.windows.net/?"));
  BOOST_TEST(call.ca_file == "azure.pem");
  // From a while ago, since clocks differ, for three days.
  BOOST_TEST(call.body.find("<Start>2026-03-01T11:45:00Z</Start>") != std::string::npos);
  BOOST_TEST(call.body.find("<Expiry>2026-03-04T12:00:00Z</Expiry>") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_key_lives_as_long_as_is_configured) {
  std::string json(kSite);
  const std::string type = R"("type": "client_secret")";
  json.replace(json.find(type), type.size(), type + R"(, "key_lifetime_seconds": 600)");
  Bench bench(json);
  bench.start();
  BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-01T12:10:00Z")}) ==
             "2026-03-01T12:05:00Z");
  BOOST_TEST(bench.http.calls[1].body.find("<Expiry>2026-03-01T12:10:00Z</Expiry>") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(nothing_is_fetched_before_half_its_life) {
  Bench bench;
  bench.fetch_first();
  for (const auto later : {0s, 1s, 3600s, 129599s}) {
    BOOST_TEST_CONTEXT(later.count() << " s later") {
      bench.clock.time = at("2026-03-01T12:00:00Z") + later;
      BOOST_TEST(bench.run() == "2026-03-03T00:00:00Z");
      BOOST_TEST(bench.http.calls.empty());
    }
  }
  bench.clock.time += 1s;
  BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-02T23:45:00Z", "2026-03-06T00:00:00Z")}) ==
             "2026-03-04T12:00:00Z");
  BOOST_TEST(bench.store.written == "acme until 2026-03-06T00:00:00Z\n");
  BOOST_TEST(bench.current() == "2026-03-06T00:00:00Z");
}

BOOST_AUTO_TEST_CASE(jitter_spreads_the_renewals_of_many_machines) {
  for (const auto& [jitter, next] : std::initializer_list<std::pair<double, const char*>>{
           {0, "2026-03-03T00:00:00Z"}, {0.5, "2026-03-03T03:36:00Z"}, {1, "2026-03-03T07:12:00Z"}}) {
    Bench bench;
    bench.start(jitter);
    BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}) ==
               next);
  }
}

BOOST_AUTO_TEST_CASE(a_restart_fetches_nothing) {
  Bench first;
  first.fetch_first();
  Bench second;
  second.store.text = first.store.text;
  second.clock.time += 1h;
  second.start();
  BOOST_TEST(second.current() == "2026-03-04T12:00:00Z");
  BOOST_TEST(second.run() == "2026-03-03T00:00:00Z");
  BOOST_TEST(second.http.calls.empty());
  // But a key that is due is renewed.
  Bench third;
  third.store.text = first.store.text;
  third.clock.time = at("2026-03-04T13:00:00Z");
  third.start();
  BOOST_TEST(third.run({token_answer(), key_answer("2026-03-04T12:45:00Z", "2026-03-07T13:00:00Z")}) ==
             "2026-03-06T01:00:00Z");
}

BOOST_AUTO_TEST_CASE(a_key_of_another_identity_is_replaced) {
  struct Row {
    const char* name;
    const char* from;
    const char* to;
    bool is_another;
  };
  constexpr Row kRows[] = {
      {"the same", "tenant", "tenant", false},
      {"another tenant", R"("tenant_id": "tenant")", R"("tenant_id": "tenant2")", true},
      {"another application", "cdef\"}}]", "cdee\"}}]", true},
      {"another authority", R"("type": "client_secret")",
       R"("type": "client_secret", "authority": "https://login.example.com")", true},
      {"another endpoint", "https://acme.blob", "https://acme2.blob", true},
      {"another rule", R"("container": "uploads")", R"("container": "others")", false},
      {"another place of the secret", R"("secret_env": "S")", R"("secret_file": "s")", false},
      {"other certificates", "azure.pem", "other.pem", false},
  };
  Bench first;
  first.fetch_first();
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      std::string json(kSite);
      const std::string from(row.from);
      BOOST_REQUIRE_NE(json.find(from), std::string::npos);
      Bench bench(json.replace(json.find(from), from.size(), row.to));
      bench.store.text = first.store.text;
      bench.start();
      BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}) ==
                 "2026-03-03T00:00:00Z");
      BOOST_TEST(!bench.http.calls.empty() == row.is_another);
    }
  }
  // A managed identity that is named otherwise, or not at all.
  Bench bench;
  bench.store.text = first.store.text;
  bench.config.accounts[0].identity->id_kind = IdentityOptions::IdKind::object_id;
  bench.start();
  BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}) ==
             "2026-03-03T00:00:00Z");
  BOOST_TEST(!bench.http.calls.empty());
  // An environment that names another one.
  Bench named;
  named.store.text = first.store.text;
  named.environment.client_id = "89abcdef-0123-4567-89ab-cdef01234567";
  named.start();
  BOOST_TEST(named.run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}) ==
             "2026-03-03T00:00:00Z");
  BOOST_TEST(!named.http.calls.empty());
}

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_renewed_stays) {
  Bench bench;
  bench.fetch_first();
  bench.clock.time = at("2026-03-03T00:00:00Z");
  const std::string stored = bench.store.text;
  const std::string next = bench.run({failed(HttpFailure::unreachable)});
  BOOST_TEST(next.starts_with("2026-03-03T00:00:05Z acme: "));
  BOOST_TEST(next.ends_with(", since 2026-03-03T00:00:00Z"));
  BOOST_TEST(bench.current() == "2026-03-04T12:00:00Z");
  BOOST_TEST(bench.store.text == stored);
}

// Twice as long each time, and five minutes at most; less with jitter.
BOOST_AUTO_TEST_CASE(attempts_grow_rarer) {
  for (const auto& [jitter, waits] : std::initializer_list<std::pair<double, std::vector<int>>>{
           {0, {5, 10, 20, 40, 80, 160, 300, 300, 300}}, {1, {4, 8, 15, 30, 60, 120, 225, 225}}}) {
    Bench bench;
    bench.start(jitter);
    for (const int wait : waits) {
      BOOST_TEST_CONTEXT("jitter " << jitter << ", " << wait << " s") {
        bench.http.answers = {failed(HttpFailure::unreachable)};
        const UtcSeconds next = bench.renewal->run();
        BOOST_TEST((next - bench.clock.time).count() == wait);
        BOOST_TEST(bench.renewal->failure().has_value());
        // Not before.
        bench.clock.time = next - 1s;
        bench.http.calls.clear();
        (void)bench.renewal->run();
        BOOST_TEST(bench.http.calls.empty());
        bench.clock.time = next;
      }
    }
    BOOST_TEST(UtcText(bench.renewal->failure()->since).view() == "2026-03-01T12:00:00Z");
    // Success ends it, and the next failure begins anew.
    const UtcSeconds now = bench.clock.time;
    bench.http.answers = {token_answer(), key_answer(UtcText(now - 15min).view(), UtcText(now + 1h).view())};
    (void)bench.renewal->run();
    BOOST_TEST(!bench.renewal->failure().has_value());
    bench.clock.time += 2h;
    bench.http.answers = {http_answer(500)};
    BOOST_TEST((bench.renewal->run() - bench.clock.time).count() == waits[0]);
  }
}

// Trying at once again cannot help, but somebody may mend it.
BOOST_AUTO_TEST_CASE(a_final_failure_is_tried_again_in_five_minutes) {
  Bench bench;
  bench.start();
  BOOST_TEST(bench.run({http_answer(401)}) ==
             "2026-03-01T12:05:00Z acme: " + std::string(kRefused) + ", since 2026-03-01T12:00:00Z");
  bench.clock.time += 5min;
  BOOST_TEST(bench.run({http_answer(401)}) ==
             "2026-03-01T12:10:00Z acme: " + std::string(kRefused) + ", since 2026-03-01T12:00:00Z");
  bench.clock.time += 5min;
  BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-01T11:55:00Z", "2026-03-04T12:10:00Z")}) ==
             "2026-03-03T00:10:00Z");
}

BOOST_AUTO_TEST_CASE(a_busy_service_says_how_long_to_wait) {
  for (const auto& [seconds, next] :
       std::initializer_list<std::pair<const char*, const char*>>{{"1", "2026-03-01T12:00:05Z"},
                                                                  {"120", "2026-03-01T12:02:00Z"},
                                                                  {"3600", "2026-03-01T13:00:00Z"},
                                                                  {"86400", "2026-03-01T13:00:00Z"}}) {
    BOOST_TEST_CONTEXT(seconds) {
      Bench bench;
      bench.start();
      BOOST_TEST(bench.run({token_answer(), refused_key(429, "TooManyRequests", {{"retry-after", seconds}})})
                     .starts_with(next));
    }
  }
}

// What a service asks for, and our own patience, count from its answer, not from when we began to ask.
BOOST_AUTO_TEST_CASE(waiting_begins_when_the_attempt_has_ended) {
  class AskingTakesTime final : public Http {
   public:
    explicit AskingTakesTime(FakeClock& clock) : clock_(clock) {}
    [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> send(const HttpCall&) override {
      clock_.time += 40s;
      return http_answer(401);
    }

   private:
    FakeClock& clock_;
  };
  Bench bench;
  AskingTakesTime http(bench.clock);
  const Account& account = bench.config.accounts.at(0);
  KeyRenewal renewal(account, {}, 15min,
                     TokenSource(*account.identity, {}, std::make_shared<const SecretBytes>(secret("hush")),
                                 {http, bench.timer, bench.clock, bench.files}),
                     DelegationKeyClient(http, bench.timer, bench.clock), bench.store, bench.clock, 0);
  BOOST_TEST(UtcText(renewal.run()).view() == "2026-03-01T12:05:40Z");
  BOOST_TEST(UtcText(bench.clock.time).view() == "2026-03-01T12:00:40Z");
}

BOOST_AUTO_TEST_CASE(a_token_that_is_not_taken_is_fetched_anew_once) {
  Bench bench;
  bench.start();
  BOOST_TEST(bench.run({token_answer("old"), refused_key(401, "InvalidAuthenticationInfo"),
                        token_answer("new"), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}) ==
             "2026-03-03T00:00:00Z");
  BOOST_REQUIRE_EQUAL(bench.http.calls.size(), 4U);
  BOOST_TEST(!bench.renewal->failure().has_value());

  Bench other;
  other.start();
  const std::string next = other.run({token_answer("old"), refused_key(401, "InvalidAuthenticationInfo"),
                                      token_answer("new"), refused_key(401, "InvalidAuthenticationInfo")});
  BOOST_TEST(other.http.calls.size() == 4U);
  BOOST_TEST(other.renewal->failure().has_value());
  BOOST_TEST(next.find("old") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_key_that_cannot_be_stored_is_no_key) {
  Bench bench;
  bench.start();
  bench.store.failure = "/run/keys: No space left on device";
  BOOST_TEST(bench.run({token_answer(), key_answer("2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z")}) ==
             "2026-03-01T12:00:05Z acme: /run/keys: No space left on device, since 2026-03-01T12:00:00Z");
  BOOST_TEST(bench.current() == "none");
  bench.clock.time += 5s;
  bench.store.failure.clear();
  BOOST_TEST(bench.run({key_answer("2026-03-01T11:45:05Z", "2026-03-04T12:00:05Z")}) ==
             "2026-03-03T00:00:05Z");
  BOOST_TEST(bench.store.written == "acme until 2026-03-04T12:00:05Z\n");
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_forward_makes_a_key_due) {
  Bench bench;
  bench.fetch_first();
  bench.clock.time = at("2027-01-01T00:00:00Z");
  BOOST_TEST(bench.run({token_answer(), key_answer("2026-12-31T23:45:00Z", "2027-01-04T00:00:00Z")}) ==
             "2027-01-02T12:00:00Z");
  BOOST_TEST(bench.current() == "2027-01-04T00:00:00Z");
}

BOOST_AUTO_TEST_CASE(a_clock_that_is_set_back_makes_a_key_due_that_is_not_valid_yet) {
  Bench bench;
  bench.fetch_first();
  bench.clock.time = at("2026-03-01T11:45:00Z");  // still valid
  BOOST_TEST(bench.run() == "2026-03-03T00:00:00Z");
  BOOST_TEST(bench.http.calls.empty());
  bench.clock.time = at("2026-03-01T11:44:59Z");
  BOOST_TEST(bench.run({key_answer("2026-03-01T11:29:59Z", "2026-03-04T11:44:59Z")}) ==
             "2026-03-02T23:44:59Z");
}

// The time to try again was that of the clock as it was.
BOOST_AUTO_TEST_CASE(a_clock_that_is_set_after_a_failure_makes_nobody_wait) {
  struct Row {
    const char* name;
    std::chrono::seconds jump;
    bool is_due;
  };
  constexpr Row kRows[] = {
      {"not at all", 0s, false},
      {"five minutes have not passed", 299s, false},
      {"five minutes have passed", 300s, true},
      {"a day forward", 24h, true},
      {"a second back", -1s, true},
      {"half an hour back", -30min, true},
      {"a year back", -24h * 365, true},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.start();
      (void)bench.run({http_answer(401)});
      bench.clock.time += row.jump;
      const std::string next = bench.run({http_answer(401)});
      BOOST_TEST(!bench.http.calls.empty() == row.is_due);
      const UtcSeconds expected = row.is_due ? bench.clock.time + 300s : at("2026-03-01T12:05:00Z");
      BOOST_TEST(next.starts_with(UtcText(expected).view()));
    }
  }
}

// A failure's beginning is never in the future, or health would say nonsense.
BOOST_AUTO_TEST_CASE(a_failure_began_before_now) {
  Bench bench;
  bench.start();
  (void)bench.run({http_answer(401)});
  bench.clock.time = at("2025-01-01T00:00:00Z");
  BOOST_TEST(bench.run({http_answer(401)}).ends_with("since 2025-01-01T00:00:00Z"));
  bench.clock.time = at("2026-03-01T12:00:00Z");
  BOOST_TEST(bench.run({http_answer(401)}).ends_with("since 2025-01-01T00:00:00Z"));
}

BOOST_AUTO_TEST_CASE(no_reason_holds_a_secret) {
  for (int status = 200; status <= 599; ++status) {
    Bench bench;
    bench.start();
    const std::string result =
        bench.run({token_answer("the-token"),
                   http_answer(status, {{"x-ms-error-code", "the-token"}}, "the-token hush")});
    BOOST_TEST_CONTEXT(status << " " << result) {
      BOOST_TEST(bench.renewal->failure().has_value());
      BOOST_TEST(result.find("the-token") == std::string::npos);
      BOOST_TEST(result.find("hush") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
