#include "core/metrics.hpp"
#include "core/version.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key",
     "current": {"key_file": "a"}, "next": {"key_file": "b"}, "use": "next"}},
    {"name": "identity", "endpoint": "https://identity", "credential": {"type": "default"}},
    {"name": "waiting", "endpoint": "https://waiting", "credential": {"type": "default"}}],
  "rules": [{"name": "r", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"]}]
})";

const UtcSeconds kNow = at("2026-03-01T12:00:00Z");

std::shared_ptr<const SigningKey> second_key() {
  return account_key("c2Vjb25kIGtleSBvZiB0aGUgdGVzdHM=");
}

std::shared_ptr<const Site> site() {
  auto delegation = std::make_shared<const SigningKey>(
      UserDelegationKey{"oid", "tid", "2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z", "b", "2023-11-03", "",
                        secret("0123456789abcdef"), at("2026-03-01T00:00:00Z"), at("2026-03-04T00:00:00Z")});
  return std::make_shared<const Site>(
      config_from(kSite), std::vector<AccountKeys>{{account_key(), second_key()}, {delegation, nullptr}, {}},
      nullptr, "0123456789abcdef");
}

class FakeLedger final : public SasLedger {
 public:
  void issued(KeyFingerprint key, UtcSeconds expiry) override { known.emplace_back(key, expiry); }
  [[nodiscard]] std::optional<UtcSeconds> last_expiry(KeyFingerprint wanted) const override {
    for (const auto& [key, expiry] : known) {
      if (key == wanted) return expiry;
    }
    return std::nullopt;
  }
  std::vector<std::pair<KeyFingerprint, UtcSeconds>> known;
};

class FakeState final : public WorkerState {
 public:
  [[nodiscard]] SasLedger* ledger() override { return has_ledger ? &sas : nullptr; }
  [[nodiscard]] std::optional<KeyStatus> key_status() const override { return status; }
  [[nodiscard]] std::string reload_fault() const override { return fault; }
  FakeLedger sas;
  bool has_ledger = true;
  std::optional<KeyStatus> status;
  std::string fault;
};

/// The samples of one metric; `none` if it is not there at all.
std::string samples(const std::string& text, const std::string& name) {
  if (text.find("# TYPE " + name + " gauge\n") == std::string::npos) return "none";
  std::string found;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    if (line.starts_with(name + "{") || line.starts_with(name + " "))
      found.append(line.substr(name.size())).append("\n");
  }
  return found;
}

std::string fingerprint(const SigningKey& key) {
  return KeyFingerprint(key).text();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_tests)

BOOST_AUTO_TEST_CASE(the_text_is_that_of_prometheus) {
  MetricsText text;
  text.begin_gauge("a_metric", "What it is.");
  text.add({}, -1);
  text.add({{"label", "value"}, {"other", "a\\b\"c\nd"}}, 9'000'000'000);
  text.begin_gauge("empty", "Nothing yet.");
  BOOST_TEST(text.take() ==
             "# HELP a_metric What it is.\n# TYPE a_metric gauge\na_metric -1\n"
             "a_metric{label=\"value\",other=\"a\\\\b\\\"c\\nd\"} 9000000000\n"
             "# HELP empty Nothing yet.\n# TYPE empty gauge\n");
}

BOOST_AUTO_TEST_CASE(a_worker_tells_what_it_knows) {
  FakeState state;
  const auto own = site();
  const std::string current = fingerprint(*account_key());
  const std::string next = fingerprint(*second_key());
  const std::string delegation = fingerprint(*own->keys().at(1).current);
  state.sas.issued(KeyFingerprint(*account_key()), kNow + 60s);
  state.sas.issued(KeyFingerprint(*second_key()), kNow + 900s);
  state.status =
      KeyStatus{kNow - 60s, {{"waiting", "nobody answers", kNow}, {"acme", "is no identity", kNow}}, -3s};
  const std::string text = metrics_text(*own, &state, kNow);

  BOOST_TEST(samples(text, "blobvalet_build_info") == "{version=\"" + std::string(kVersion) + "\"} 1\n");
  BOOST_TEST(samples(text, "blobvalet_config_info") == "{revision=\"0123456789abcdef\"} 1\n");
  BOOST_TEST(samples(text, "blobvalet_signing_key_info") ==
             "{account=\"acme\",key=\"current\",fingerprint=\"" + current + "\"} 0\n" +
                 "{account=\"acme\",key=\"next\",fingerprint=\"" + next + "\"} 1\n" +
                 "{account=\"identity\",key=\"user_delegation\",fingerprint=\"" + delegation + "\"} 1\n");
  BOOST_TEST(samples(text, "blobvalet_signed_until_timestamp_seconds") ==
             "{account=\"acme\",key=\"current\",fingerprint=\"" + current + "\"} 1772366460\n" +
                 "{account=\"acme\",key=\"next\",fingerprint=\"" + next + "\"} 1772367300\n");
  BOOST_TEST(samples(text, "blobvalet_delegation_key_expiry_timestamp_seconds") ==
             "{account=\"identity\"} 1772582400\n");
  BOOST_TEST(samples(text, "blobvalet_key_renewal_failing") ==
             "{account=\"identity\"} 0\n{account=\"waiting\"} 1\n");
  BOOST_TEST(samples(text, "blobvalet_clock_skew_seconds") == " -3\n");
  BOOST_TEST(samples(text, "blobvalet_reload_failed") == " 0\n");
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_left_out) {
  const auto own = site();
  const std::string alone = metrics_text(*own, nullptr, kNow);
  FakeState state;
  state.has_ledger = false;
  state.fault = "k: cannot be opened";
  const std::string bare = metrics_text(*own, &state, kNow);
  for (const std::string& text : {alone, bare}) {
    BOOST_TEST(samples(text, "blobvalet_signing_key_info") != "none");
    for (const char* name : {"blobvalet_signed_until_timestamp_seconds", "blobvalet_key_renewal_failing",
                             "blobvalet_clock_skew_seconds"})
      BOOST_TEST(samples(text, name) == "none", name);
  }
  BOOST_TEST(samples(alone, "blobvalet_reload_failed") == "none");
  BOOST_TEST(samples(bare, "blobvalet_reload_failed") == " 1\n");
  BOOST_TEST(bare.find("cannot be opened") == std::string::npos);

  state.status = KeyStatus{kNow - 6min, {}, 5s};
  BOOST_TEST(samples(metrics_text(*own, &state, kNow), "blobvalet_clock_skew_seconds") == "none");
  state.status = KeyStatus{kNow, {}, std::nullopt};
  BOOST_TEST(samples(metrics_text(*own, &state, kNow), "blobvalet_clock_skew_seconds") == "none");
  BOOST_TEST(samples(metrics_text(*own, &state, kNow), "blobvalet_key_renewal_failing") ==
             "{account=\"identity\"} 0\n{account=\"waiting\"} 0\n");
}

BOOST_AUTO_TEST_CASE(the_endpoint_answers_with_them) {
  const auto own = site();
  const FakeClock clock;
  App app(own, clock);
  Request request;
  request.endpoint = "metrics";
  request.method = "GET";
  Response response;
  const Event event = app.handle(request, response);
  BOOST_TEST((response.status == Status::ok));
  BOOST_TEST((response.content_type == ContentType::metrics));
  BOOST_TEST(response.body == metrics_text(*own, nullptr, clock.now()));
  BOOST_TEST(event.endpoint == "metrics");
  BOOST_TEST(!App::may_wait(*own, request));
}

BOOST_AUTO_TEST_SUITE_END()
