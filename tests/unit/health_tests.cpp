#include "core/health.hpp"
#include "core/version.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kSharedKey = R"({"type": "shared_key", "key_file": "k"})";
constexpr std::string_view kIdentity = R"({"type": "default"})";

class FakeState final : public WorkerState {
 public:
  [[nodiscard]] SasLedger* ledger() override { return nullptr; }
  [[nodiscard]] std::optional<KeyStatus> key_status() const override { return status; }
  [[nodiscard]] std::string reload_fault() const override { return fault; }
  std::optional<KeyStatus> status;
  std::string fault;
};

std::shared_ptr<const SigningKey> delegation_key(std::string_view from = "2026-03-01T00:00:00Z",
                                                 std::string_view until = "2026-03-04T00:00:00Z") {
  return std::make_shared<const SigningKey>(
      UserDelegationKey{"oid", "tid", std::string(from), std::string(until), "b", "2023-11-03", "",
                        secret("0123456789abcdef"), at(from), at(until)});
}

std::shared_ptr<const Site> site_of(std::string_view credential, std::shared_ptr<const SigningKey> key) {
  std::string json(R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":)");
  json.append(credential)
      .append(R"(}],"keys":{"max_clock_skew_seconds":60},"rules":[{"name":"r","account":"acme",)");
  json.append(R"("container":"uploads","blobs":["**"],"methods":["PUT"]}]})");
  return std::make_shared<const Site>(config_from(json), std::vector{AccountKeys{std::move(key), nullptr}},
                                      nullptr, "0123456789abcdef");
}
std::shared_ptr<const Site> shared_key_site() {
  return site_of(kSharedKey, account_key());
}
std::shared_ptr<const Site> identity_site(std::shared_ptr<const SigningKey> key = delegation_key()) {
  return site_of(kIdentity, std::move(key));
}

/// `blobvalet keys renew` has run a moment ago, and all was well.
KeyStatus fresh_status() {
  return {at("2026-03-01T11:59:00Z"), {}, 0s};
}
KeyStatus failing_status() {
  KeyStatus status = fresh_status();
  status.failures = {{"stranger", "not ours", at("2026-03-01T11:00:00Z")},
                     {"acme", "nobody answers", at("2026-03-01T11:00:00Z")}};
  return status;
}
KeyStatus skewed_status(std::chrono::seconds skew) {
  KeyStatus status = fresh_status();
  status.clock_skew = skew;
  return status;
}
KeyStatus written_at(std::string_view time, KeyStatus status = fresh_status()) {
  status.written = at(time);
  return status;
}

/// `green` or `red`, and the problems, each in a line of its own.
std::string assess(const Site& site, const WorkerState* state) {
  const Health health = Health::assess(site, state, at("2026-03-01T12:00:00Z"));
  std::string text(health.is_red ? "red\n" : "green\n");
  for (const std::string& problem : health.problems)
    text.append(problem).append("\n");
  return text;
}

const std::string kSilent = "keys: blobvalet keys renew does not run, so nobody renews keys\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(health_tests)

BOOST_AUTO_TEST_CASE(health_says_what_to_mend) {
  struct Row {
    const char* name;
    std::shared_ptr<const Site> site;
    std::optional<KeyStatus> status;
    std::string fault;
    std::string health;
  };
  const std::string expired = "acme: the user delegation key has expired\n";
  const Row rows[] = {
      {"account keys need nobody to renew them", shared_key_site(), {}, "", "green\n"},
      {"account keys, and a clock that is watched", shared_key_site(), fresh_status(), "", "green\n"},
      {"account keys, and a clock that is wrong", shared_key_site(), skewed_status(61s), "",
       "red\nclock: this machine is 61 s ahead of Azure\n"},
      {"an identity", identity_site(), fresh_status(), "", "green\n"},
      {"no key yet", identity_site(nullptr), fresh_status(), "",
       "red\nacme: there is no user delegation key yet\n"},
      {"an old key", identity_site(delegation_key("2026-02-01T00:00:00Z", "2026-03-01T12:00:00Z")),
       fresh_status(), "", "red\n" + expired},
      {"its last second", identity_site(delegation_key("2026-02-01T00:00:00Z", "2026-03-01T12:00:01Z")),
       fresh_status(), "", "green\n"},
      {"a key of the future", identity_site(delegation_key("2026-03-01T12:00:01Z")), fresh_status(), "",
       "red\nacme: the user delegation key is not valid yet: check the clock\n"},
      {"a renewal that fails harms nobody yet", identity_site(), failing_status(), "",
       "green\nacme: cannot renew its key: nobody answers\n"},
      {"a renewal that fails, and an old key",
       identity_site(delegation_key("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")), failing_status(), "",
       "red\n" + expired + "acme: cannot renew its key: nobody answers\n"},
      {"nobody renews", identity_site(), {}, "", "green\n" + kSilent},
      {"nobody renews, and there is no key",
       identity_site(nullptr),
       {},
       "",
       "red\nacme: there is no user delegation key yet\n" + kSilent},
      {"silent for five minutes", identity_site(), written_at("2026-03-01T11:55:00Z"), "", "green\n"},
      {"silent for longer", identity_site(), written_at("2026-03-01T11:54:59Z"), "", "green\n" + kSilent},
      {"a status of the future, as after the clock was set", identity_site(),
       written_at("2026-03-01T12:05:01Z"), "", "green\n" + kSilent},
      // What was true then may have been mended.
      {"an old status, when the clock was wrong", identity_site(),
       written_at("2026-03-01T11:54:59Z", skewed_status(-3600s)), "", "green\n" + kSilent},
      {"the same with account keys", shared_key_site(),
       written_at("2026-03-01T11:54:59Z", skewed_status(-3600s)), "", "green\n"},
      {"an old status with failures", identity_site(), written_at("2026-03-01T11:54:59Z", failing_status()),
       "", "green\nacme: cannot renew its key: nobody answers\n" + kSilent},
      {"a clock within the limit", identity_site(), skewed_status(60s), "", "green\n"},
      {"a clock within the limit, behind", identity_site(), skewed_status(-60s), "", "green\n"},
      {"a clock behind", identity_site(), skewed_status(-61s), "",
       "red\nclock: this machine is 61 s behind Azure\n"},
      {"a clock that nobody could compare", identity_site(), KeyStatus{at("2026-03-01T12:00:00Z"), {}, {}},
       "", "green\n"},
      {"a faulty configuration harms nobody yet",
       shared_key_site(),
       {},
       "rules: are missing",
       "green\nconfiguration: the old one is in use: rules: are missing\n"},
      {"all at once", identity_site(nullptr),
       KeyStatus{at("2026-03-01T12:00:00Z"), failing_status().failures, 100s}, "f",
       "red\nconfiguration: the old one is in use: f\nacme: there is no user delegation key yet\n"
       "acme: cannot renew its key: nobody answers\nclock: this machine is 100 s ahead of Azure\n"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      FakeState state;
      state.status = row.status;
      state.fault = row.fault;
      BOOST_TEST(assess(*row.site, &state) == row.health);
    }
  }
}

BOOST_AUTO_TEST_CASE(without_a_state_only_the_keys_count) {
  BOOST_TEST(assess(*shared_key_site(), nullptr) == "green\n");
  BOOST_TEST(assess(*identity_site(), nullptr) == "green\n");
  BOOST_TEST(assess(*identity_site(nullptr), nullptr) == "red\nacme: there is no user delegation key yet\n");
}

BOOST_AUTO_TEST_CASE(health_is_json) {
  struct Row {
    const char* name;
    Health health;
    const char* status;
    const char* problems;
  };
  const Row rows[] = {
      {"well", {}, "ok", "[]"},
      {"a warning", {false, {"a \"quoted\" \\ problem\n"}}, "warning", R"(["a \"quoted\" \\ problem\n"])"},
      {"red", {true, {"one", "two"}}, "failing", R"(["one","two"])"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(row.health.to_json(*shared_key_site()) ==
                 std::string(R"({"status":")") + row.status + R"(","version":")" + std::string(kVersion) +
                     R"(","configuration":"0123456789abcdef","problems":)" + row.problems + "}");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
