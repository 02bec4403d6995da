#include "core/app.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [{"name": "acme", "endpoint": "https://acme.blob.core.windows.net",
                "credential": {"type": "shared_key", "key_file": "k"}}],
  "rules": [
    {"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"], "methods": ["PUT", "DELETE"],
     "limit": {"requests": 10, "per_seconds": 60}},
    {"name": "drop", "account": "acme", "container": "drop", "blobs": ["**"], "methods": ["PUT"], "anonymous": true,
     "limit": {"requests": 1, "per_seconds": 60, "burst": 7}},
    {"name": "free", "account": "acme", "container": "free", "blobs": ["**"], "methods": ["PUT"], "anonymous": true}
  ],
  "success": {"verify": {"enabled": false}}
})";

/// Says what it is told to, and notes what it was asked.
class FakeLimiter final : public RateLimiter {
 public:
  [[nodiscard]] LimitVerdict take(std::string_view identity, const RateLimit& limit) override {
    asked.emplace_back(identity);
    burst = limit.burst;
    return verdict;
  }
  LimitVerdict verdict;
  std::vector<std::string> asked;
  unsigned burst = 0;
};

class FakeState final : public WorkerState {
 public:
  [[nodiscard]] SasLedger* ledger() override { return nullptr; }
  [[nodiscard]] RateLimiter* limiter() override { return &limits; }
  [[nodiscard]] std::optional<KeyStatus> key_status() const override { return {}; }
  [[nodiscard]] std::string reload_fault() const override { return {}; }
  FakeLimiter limits;
};

Request callback(std::string_view body, std::string_view user = "bob") {
  Request request = signature_request("", user);
  request.endpoint = "success";
  request.method = "POST";
  request.content_type = "application/x-www-form-urlencoded";
  request.body = body;
  return request;
}

constexpr std::string_view kOwn = "bloburi=https://acme.blob.core.windows.net/uploads/bob/a&_method=PUT";
constexpr std::string_view kOwnDelete =
    "bloburi=https://acme.blob.core.windows.net/uploads/bob/a&_method=DELETE";
constexpr std::string_view kOther = "bloburi=https://acme.blob.core.windows.net/uploads/alice/a&_method=PUT";
constexpr std::string_view kDrop = "bloburi=https://acme.blob.core.windows.net/drop/a&_method=PUT";
constexpr std::string_view kFree = "bloburi=https://acme.blob.core.windows.net/free/a&_method=PUT";
constexpr std::string_view kForm =
    "blob=bob/a&uuid=f9a922bd-3007-4393-a76e-925fc009639c&name=a&container=https://"
    "acme.blob.core.windows.net/uploads";

struct Bench {
  explicit Bench(std::string_view json = kSite) : app(site_from(json), clock, &world.ports, &state) {}
  std::string answer(const Request& request) {
    event = app.handle(request, response);
    std::string text = std::to_string(static_cast<unsigned>(response.status)) + " ";
    if (response.retry_after) text += "Retry-After=" + std::to_string(response.retry_after->count()) + " ";
    return text.append(response.status == Status::ok ? "" : response.body);
  }
  FakeClock clock;
  FakePorts world;
  FakeState state;
  App app;
  Response response;
  Event event;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(limited_requests_tests)

BOOST_AUTO_TEST_CASE(what_rules_allow_is_counted_and_nothing_else) {
  Bench bench;
  struct Row {
    const char* name;
    Request request;
    std::size_t counted;
  };
  const Row kRows[] = {
      {"a signature", signature_request(kOwn), 1},
      {"one for DELETE", signature_request(kOwnDelete), 1},
      {"a callback", callback(kForm), 1},
      {"one without a limit", signature_request(kFree), 0},
      {"another's folder", signature_request(kOther), 0},
      {"nobody's", signature_request(kOwn, ""), 0},
      {"no query", signature_request(""), 0},
      {"nobody, where that is allowed", signature_request(kDrop, ""), 1},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      bench.state.limits.asked.clear();
      bench.answer(row.request);
      BOOST_TEST(bench.state.limits.asked.size() == row.counted);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_rule_has_its_limit_and_each_user_a_budget_for_it) {
  Bench bench;
  bench.answer(signature_request(kOwn));
  BOOST_TEST(bench.state.limits.burst == 10U);
  bench.answer(callback(kForm));
  bench.answer(signature_request(kDrop));
  BOOST_TEST(bench.state.limits.burst == 7U);
  bench.answer(signature_request(kDrop, ""));
  const auto& asked = bench.state.limits.asked;
  BOOST_REQUIRE_EQUAL(asked.size(), 4U);
  BOOST_TEST(asked[0] == asked[1], "signatures and callbacks count together");
  BOOST_TEST(asked[1] != asked[2]);
  BOOST_TEST(asked[2] != asked[3]);
}

BOOST_AUTO_TEST_CASE(who_has_used_it_up_hears_when_to_come_back) {
  Bench bench;
  bench.state.limits.verdict = {LimitVerdict::Kind::limited, 5900ms};
  BOOST_TEST(bench.answer(signature_request(kOwn)) ==
             R"(429 Retry-After=6 {"error":"too many requests; try again later","code":"rate_limited"})");
  BOOST_TEST(bench.event.code == "rate_limited");
  BOOST_TEST(bench.event.rule == "own");
  BOOST_TEST(bench.event.reason == "the rule's limit for one user, or one address, is reached");
  BOOST_TEST((bench.event.status == Status::too_many_requests));
  // Fine Uploader may try the callback again, so no preventRetry.
  BOOST_TEST(
      bench.answer(callback(kForm)) ==
      R"(429 Retry-After=6 {"error":"too many requests; try again later","code":"rate_limited","success":false})");
  BOOST_TEST(bench.world.http.calls.empty(), "nobody else is asked");
  bench.state.limits.verdict.retry_after = 1ns;
  BOOST_TEST(bench.answer(signature_request(kOwn)).starts_with("429 Retry-After=1 "));
  bench.state.limits.verdict = {};
  BOOST_TEST(bench.answer(signature_request(kOwn)) == "200 ");
}

BOOST_AUTO_TEST_CASE(without_its_store_all_is_allowed_or_nothing) {
  Bench allows;
  allows.state.limits.verdict = {LimitVerdict::Kind::unavailable, {}};
  BOOST_TEST(allows.answer(signature_request(kOwn)) == "200 ");
  BOOST_TEST(allows.event.code == "ok");
  BOOST_TEST(allows.event.reason == "the store of rate limits cannot be used");

  std::string json(kSite);
  json.insert(json.rfind('}'), R"(,"limits":{"when_unavailable":"refuse"})");
  Bench refuses(json);
  refuses.state.limits.verdict = {LimitVerdict::Kind::unavailable, {}};
  BOOST_TEST(
      refuses.answer(signature_request(kOwn)) ==
      R"(503 Retry-After=1 {"error":"uploads are not possible now; try again later","code":"limits_unavailable"})");
  BOOST_TEST(refuses.event.reason == "the store of rate limits cannot be used");
  BOOST_TEST(refuses.answer(signature_request(kFree)) == "200 ");
}

BOOST_AUTO_TEST_CASE(commands_count_nothing) {
  const FakeClock clock;
  App app(site_from(kSite), clock);
  Response response;
  for (int i = 0; i < 20; ++i)
    BOOST_TEST((app.handle(signature_request(kOwn), response).status == Status::ok));
}

BOOST_AUTO_TEST_CASE(only_a_store_elsewhere_makes_a_signature_wait) {
  std::string json(kSite);
  const auto here = site_from(json);
  json.insert(json.rfind('}'), R"(,"limits":{"store":{"type":"redis"}})");
  const auto elsewhere = site_from(json);
  Request health = signature_request(kOwn);
  health.endpoint = "health";
  BOOST_TEST(!App::may_wait_for_limits(*here, signature_request(kOwn)));
  BOOST_TEST(App::may_wait_for_limits(*elsewhere, signature_request(kOwn)));
  BOOST_TEST(!App::may_wait_for_limits(*elsewhere, health));
  BOOST_TEST(!App::may_wait(*elsewhere, signature_request(kOwn)));
}

BOOST_AUTO_TEST_CASE(counting_allocates_nothing) {
  class Free final : public RateLimiter {
    [[nodiscard]] LimitVerdict take(std::string_view /*identity*/, const RateLimit& /*limit*/) override {
      return {};
    }
  };
  class State final : public WorkerState {
   public:
    [[nodiscard]] SasLedger* ledger() override { return nullptr; }
    [[nodiscard]] RateLimiter* limiter() override { return &limits; }
    [[nodiscard]] std::optional<KeyStatus> key_status() const override { return {}; }
    [[nodiscard]] std::string reload_fault() const override { return {}; }
    Free limits;
  };
  State state;
  const FakeClock clock;
  App app(site_from(kSite), clock, nullptr, &state);
  Response response;
  for (const std::string_view query : {kOwn, kDrop})
    (void)app.handle(signature_request(query), response);
  const Request requests[] = {signature_request(kOwn), signature_request(kDrop),
                              signature_request(kDrop, "")};
  (void)app.handle(requests[2], response);
  const AllocationCount count;
  for (const Request& request : requests)
    (void)app.handle(request, response);
  BOOST_TEST(count.calls() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
