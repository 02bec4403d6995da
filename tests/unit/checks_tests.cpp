#include "core/app.hpp"
#include "core/checks.hpp"
#include "core/version.hpp"
#include "tests/unit/fake_meters.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

const UtcSeconds kNow = at("2026-03-01T12:00:00Z");

class FakeState final : public WorkerState {
 public:
  [[nodiscard]] SasLedger* ledger() override { return nullptr; }
  [[nodiscard]] std::optional<KeyStatus> key_status() const override { return status; }
  [[nodiscard]] std::string reload_fault() const override { return fault; }
  [[nodiscard]] Meters* meters() const override { return &figures; }
  std::optional<KeyStatus> status;
  std::string fault;
  mutable FakeMeters figures;
};

std::shared_ptr<const SigningKey> delegation_key(std::string_view from, std::string_view until) {
  return std::make_shared<const SigningKey>(
      UserDelegationKey{"oid", "tid", std::string(from), std::string(until), "b", "2023-11-03", "",
                        secret("0123456789abcdef"), at(from), at(until)});
}

constexpr std::string_view kRefuse = R"({"enabled": true})";
constexpr std::string_view kAccept = R"({"on_azure_failure": "accept"})";
constexpr std::string_view kOff = R"({"enabled": false})";

/// Two accounts: `shared` signs with an account key, `identity` with `key`. `verify` is what the rule of
/// `shared` says of callbacks; nothing is checked in `identity`.
std::shared_ptr<const Site> site(
    std::shared_ptr<const SigningKey> key = delegation_key("2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z"),
    std::string_view verify = kRefuse) {
  std::string json(R"({"accounts":[
    {"name":"shared","endpoint":"https://shared","credential":{"type":"shared_key","key_file":"k"}},
    {"name":"identity","endpoint":"https://identity","credential":{"type":"default"}}],
    "keys":{"max_clock_skew_seconds":60},
    "rules":[{"name":"r","account":"shared","container":"uploads","blobs":["**"],"methods":["PUT"],"verify":)");
  json.append(verify).append(R"(},
    {"name":"i","account":"identity","container":"uploads","blobs":["**"],"methods":["PUT"],"verify":{"enabled":false}}]})");
  return std::make_shared<const Site>(
      config_from(json), std::vector<AccountKeys>{{account_key(), nullptr}, {std::move(key), nullptr}},
      nullptr, "0123456789abcdef");
}

KeyStatus healthy() {
  KeyStatus status{at("2026-03-01T11:59:30Z"), {}, 0s};
  status.unreachable.emplace();
  return status;
}
KeyStatus unreachable(const std::string& account) {
  KeyStatus status = healthy();
  status.unreachable->push_back({account, "does not answer in time", at("2026-03-01T11:50:00Z")});
  return status;
}
KeyStatus with_skew(std::optional<std::chrono::seconds> skew) {
  KeyStatus status = healthy();
  status.clock_skew = skew;
  return status;
}
KeyStatus failing_renewal() {
  KeyStatus status = healthy();
  status.failures.push_back({"identity", "nobody answers", at("2026-03-01T11:50:00Z")});
  return status;
}
KeyStatus old(KeyStatus status) {
  status.written = at("2026-03-01T11:54:59Z");
  return status;
}

/// What an endpoint of the site answers: the status, and from the list what is not `ok`, `check status
/// reason`.
std::string answer(const std::shared_ptr<const Site>& own, FakeState* state, std::string_view endpoint) {
  const FakeClock clock;
  App app(own, clock, nullptr, state);
  Request request;
  request.endpoint = endpoint;
  request.method = "GET";
  Response response;
  app.handle(request, response);
  std::string text = std::to_string(static_cast<unsigned>(response.status)) + "\n";
  const std::string& body = response.body;
  constexpr std::string_view kItem = R"({"check":")";
  for (std::size_t at = body.find(kItem); at != std::string::npos; at = body.find(kItem, at + 1)) {
    const std::string item = body.substr(at, body.find('}', at) - at);
    if (item.find(R"("status":"ok","reason":"")") == std::string::npos)
      text.append(item.substr(9)).append("\n");
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(checks_tests)

BOOST_AUTO_TEST_CASE(only_what_makes_uploads_fail_makes_a_worker_unready) {
  struct Row {
    const char* name;
    std::shared_ptr<const Site> site;
    std::optional<KeyStatus> status;
    std::string fault;
    std::string alone;
    std::string answer;
  };
  const std::string silent =
      R"("keys","status":"warning","reason":"blobvalet keys renew does not run, so nobody renews keys")"
      "\n"
      R"("clock","status":"unknown","reason":"nobody has compared it with Azure's")"
      "\n"
      R"("azure","status":"unknown","reason":"nobody has asked it")"
      "\n";
  const auto expired = delegation_key("2026-02-01T00:00:00Z", "2026-03-01T12:00:00Z");
  const auto early = delegation_key("2026-03-01T12:00:01Z", "2026-03-04T00:00:00Z");
  const Row rows[] = {
      {"all is well", site(), healthy(), "", "", "200\n"},
      {"a faulty file, and the old configuration in use", site(), healthy(), "rules: are missing", "",
       "200\n\"configuration\",\"status\":\"warning\",\"reason\":\"the old one is in use: rules: are "
       "missing\"\n"},
      {"no key yet", site(nullptr), healthy(), "", "",
       "503\n\"keys\",\"status\":\"failing\",\"reason\":\"identity: there is no user delegation key yet\"\n"},
      {"a key that has expired", site(expired), healthy(), "", "",
       "503\n\"keys\",\"status\":\"failing\",\"reason\":\"identity: the user delegation key has expired\"\n"},
      {"a key of the future", site(early), healthy(), "", "",
       "503\n\"keys\",\"status\":\"failing\",\"reason\":\"identity: the user delegation key is not valid "
       "yet: check "
       "the clock\"\n"},
      {"a renewal that fails, while the old key is good", site(), failing_renewal(), "", "",
       "200\n\"keys\",\"status\":\"warning\",\"reason\":\"identity: cannot renew its key: nobody "
       "answers\"\n"},
      {"a renewal that fails, and no key", site(nullptr), failing_renewal(), "", "",
       "503\n\"keys\",\"status\":\"failing\",\"reason\":\"identity: there is no user delegation key yet\"\n"
       "\"keys\",\"status\":\"warning\",\"reason\":\"identity: cannot renew its key: nobody answers\"\n"},
      {"nobody renews keys", site(), {}, "", "", "200\n" + silent},
      {"nobody does any more", site(), old(with_skew(3600s)), "", "", "200\n" + silent},
      {"an old status, when Azure did not answer", site(), old(unreachable("shared")), "", "",
       "200\n" + silent},
      {"a clock ahead", site(), with_skew(61s), "", "",
       "503\n\"clock\",\"status\":\"failing\",\"reason\":\"this machine is 61 s ahead of Azure\"\n"},
      {"a clock behind", site(), with_skew(-61s), "", "",
       "503\n\"clock\",\"status\":\"failing\",\"reason\":\"this machine is 61 s behind Azure\"\n"},
      {"a clock within the limit", site(), with_skew(-60s), "", "", "200\n"},
      {"a clock that nobody could compare", site(), with_skew({}), "", "",
       "200\n\"clock\",\"status\":\"unknown\",\"reason\":\"nobody has compared it with Azure's\"\n"},
      {"Azure away, which callbacks need", site(), unreachable("shared"), "", "",
       "503\n\"azure\",\"status\":\"failing\",\"reason\":\"shared: does not answer in time\"\n"},
      {"Azure away, and callbacks are believed then", site(expired, kAccept), unreachable("shared"), "", "",
       "503\n\"keys\",\"status\":\"failing\",\"reason\":\"identity: the user delegation key has expired\"\n"
       "\"azure\",\"status\":\"warning\",\"reason\":\"shared: does not answer in time\"\n"},
      {"the same, and all else well",
       site(delegation_key("2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z"), kAccept), unreachable("shared"),
       "", "", "200\n\"azure\",\"status\":\"warning\",\"reason\":\"shared: does not answer in time\"\n"},
      {"Azure away, and nothing is checked",
       site(delegation_key("2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z"), kOff), unreachable("shared"), "",
       "", "200\n\"azure\",\"status\":\"warning\",\"reason\":\"shared: does not answer in time\"\n"},
      {"Azure away for the account that nothing is checked in", site(), unreachable("identity"), "", "",
       "200\n\"azure\",\"status\":\"warning\",\"reason\":\"identity: does not answer in time\"\n"},
      {"Azure away for an account of a former configuration", site(), unreachable("stranger"), "", "",
       "200\n"},
      {"a release that did not ask Azure", site(), KeyStatus{at("2026-03-01T11:59:30Z"), {}, 0s}, "", "",
       "200\n\"azure\",\"status\":\"unknown\",\"reason\":\"nobody has asked it\"\n"},
      {"figures of one worker", site(), healthy(), "", "/run/x: holds something else",
       "200\n\"metrics\",\"status\":\"warning\",\"reason\":\"those of one worker only: /run/x: holds "
       "something "
       "else\"\n"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      FakeState state;
      state.status = row.status;
      state.fault = row.fault;
      state.figures.why_alone = row.alone;
      BOOST_TEST(answer(row.site, &state, "ready") == row.answer);
      BOOST_TEST(answer(row.site, &state, "live") == "200\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(every_check_is_there) {
  FakeState state;
  state.status = healthy();
  const auto own = site();
  BOOST_TEST(
      readiness_json(*own, check_everything(*own, &state, kNow)) ==
      std::string(R"({"status":"ready","version":")") + std::string(kVersion) +
          R"(","configuration":"0123456789abcdef","checks":[)"
          R"({"check":"configuration","status":"ok","reason":""},{"check":"keys","status":"ok","reason":""},)"
          R"({"check":"clock","status":"ok","reason":""},{"check":"azure","status":"ok","reason":""},)"
          R"({"check":"metrics","status":"ok","reason":""}]})");
  BOOST_TEST(readiness_json(*own, {{"keys", Check::Level::failing, "a \"quoted\" \\ reason\n"}}) ==
             std::string(R"({"status":"not_ready","version":")") + std::string(kVersion) +
                 R"(","configuration":"0123456789abcdef","checks":[{"check":"keys","status":"failing",)"
                 R"("reason":"a \"quoted\" \\ reason\n"}]})");
  BOOST_TEST(liveness_json() == std::string(R"({"status":"ok","version":")") + std::string(kVersion) +
                                    R"(","checks":[{"check":"process","status":"ok","reason":""}]})");
}

BOOST_AUTO_TEST_CASE(without_a_state_only_the_keys_count) {
  const std::string unknown =
      "\"clock\",\"status\":\"unknown\",\"reason\":\"nobody has compared it with Azure's\"\n"
      "\"azure\",\"status\":\"unknown\",\"reason\":\"nobody has asked it\"\n";
  BOOST_TEST(answer(site(), nullptr, "ready") == "200\n" + unknown);
  BOOST_TEST(
      answer(site(nullptr), nullptr, "ready") ==
      "503\n\"keys\",\"status\":\"failing\",\"reason\":\"identity: there is no user delegation key yet\"\n" +
          unknown);
}

BOOST_AUTO_TEST_SUITE_END()
