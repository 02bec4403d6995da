#include "core/metrics.hpp"
#include "core/version.hpp"
#include "tests/unit/fake_meters.hpp"
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
      config_from(kSite),
      std::vector<AccountKeys>{
          {account_key(), second_key(), at("2026-02-01T00:00:00Z"), {}}, {delegation, nullptr}, {}},
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
  [[nodiscard]] Meters* meters() const override { return has_meters ? &figures : nullptr; }
  mutable FakeMeters figures;
  bool has_meters = false;
  FakeLedger sas;
  bool has_ledger = true;
  std::optional<KeyStatus> status;
  std::string fault;
};

/// The samples of one metric; `none` if it is not there at all.
std::string samples(const std::string& text, const std::string& name, const std::string& type = "gauge") {
  if (text.find("# TYPE " + name + " " + type + "\n") == std::string::npos) return "none";
  std::string found;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    const std::string_view rest = std::string_view(line).substr(line.starts_with(name) ? name.size() : 0);
    const bool is_part = type == "histogram" && (rest.starts_with("_bucket{") || rest.starts_with("_sum") ||
                                                 rest.starts_with("_count"));
    if (line.starts_with(name) && (rest.starts_with("{") || rest.starts_with(" ") || is_part))
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
  BOOST_TEST(samples(text, "blobvalet_signing_key_since_timestamp_seconds") ==
             "{account=\"acme\",key=\"current\",fingerprint=\"" + current + "\"} 1769904000\n" +
                 "{account=\"identity\",key=\"user_delegation\",fingerprint=\"" + delegation +
                 "\"} 1772323200\n");
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

BOOST_AUTO_TEST_CASE(what_workers_count_is_added) {
  FakeState state;
  state.has_meters = true;
  FakeMeters& meters = state.figures;
  const auto own = site();
  meters.meter(MeterKind::counter, sample_name("blobvalet_grants_total", {{"rule", "a \"b\""}}))->add(3);
  meters.meter(MeterKind::counter, "blobvalet_requests_total{code=\"ok\"}")->add(4);
  meters.meter(MeterKind::gauge, "blobvalet_connections")->set(9);
  meters.meter(MeterKind::counter, "of_a_later_release_total")->add(1);
  const Histogram durations(meters, metric::kRequest, "endpoint=\"signature\"");
  for (const auto duration : {20us, 20us, 90us, 20'000'000us})
    durations.observe(duration);
  meters.in_use = {"0123456789abcdef", "00000000000000ab"};
  const std::string text = metrics_text(*own, &state, kNow);

  BOOST_TEST(samples(text, "blobvalet_grants_total", "counter") == "{rule=\"a \\\"b\\\"\"} 3\n");
  BOOST_TEST(samples(text, "blobvalet_requests_total", "counter") == "{code=\"ok\"} 4\n");
  BOOST_TEST(samples(text, "blobvalet_connections") == " 9\n");
  BOOST_TEST(text.find("later_release") == std::string::npos);
  const std::string histogram = samples(text, "blobvalet_request_duration_seconds", "histogram");
  BOOST_TEST(
      histogram.starts_with("_bucket{endpoint=\"signature\",le=\"0.000025\"} 2\n"
                            "_bucket{endpoint=\"signature\",le=\"0.00005\"} 2\n"
                            "_bucket{endpoint=\"signature\",le=\"0.0001\"} 3\n"));
  BOOST_TEST(
      histogram.ends_with("_bucket{endpoint=\"signature\",le=\"10\"} 3\n"
                          "_bucket{endpoint=\"signature\",le=\"+Inf\"} 4\n"
                          "_sum{endpoint=\"signature\"} 20.00013\n_count{endpoint=\"signature\"} 4\n"));
  BOOST_TEST(samples(text, "blobvalet_config_info") ==
             "{revision=\"00000000000000ab\"} 1\n{revision=\"0123456789abcdef\"} 1\n");
  BOOST_TEST(samples(text, "blobvalet_metrics_shared") == " 1\n");
  BOOST_TEST(samples(text, "blobvalet_metrics_figures") == " 24\n");
  BOOST_TEST(samples(text, "blobvalet_metrics_figures_limit") == " 1024\n");
  BOOST_TEST(samples(text, "blobvalet_events_oldest_age_seconds") == "none");
  meters.why_alone = "no file";
  BOOST_TEST(samples(metrics_text(*own, &state, kNow), "blobvalet_metrics_shared") == " 0\n");
}

BOOST_AUTO_TEST_CASE(the_oldest_event_has_an_age) {
  struct Row {
    const char* name;
    UtcSeconds stored;
    const char* age;
  };
  for (const Row& row : {Row{"none waits", UtcSeconds{}, " 0\n"}, Row{"a minute", kNow - 60s, " 60\n"},
                         Row{"the clock was set back", kNow + 60s, " 0\n"}}) {
    BOOST_TEST_CONTEXT(row.name) {
      FakeState state;
      state.has_meters = true;
      state.figures.meter(MeterKind::gauge, sample_name(metric::kEvents, {{"state", "waiting"}}))->set(2);
      state.figures.meter(MeterKind::gauge, metric::kEventsOldest)
          ->set(static_cast<std::uint64_t>(row.stored.time_since_epoch().count()));
      const std::string text = metrics_text(*site(), &state, kNow);
      BOOST_TEST(samples(text, "blobvalet_events") == "{state=\"waiting\"} 2\n");
      BOOST_TEST(samples(text, "blobvalet_events_oldest_age_seconds") == row.age);
      BOOST_TEST(text.find("oldest_timestamp") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(azure_is_reachable_or_not) {
  struct Row {
    const char* name;
    std::optional<std::vector<KeyStatus::Failure>> unreachable;
    const char* samples;
  };
  const Row rows[] = {
      {"nobody has asked", {}, "none"},
      {"all answer", std::vector<KeyStatus::Failure>{},
       "{account=\"acme\"} 1\n{account=\"identity\"} 1\n{account=\"waiting\"} 1\n"},
      {"one does not", std::vector<KeyStatus::Failure>{{"identity", "cannot be reached", kNow}},
       "{account=\"acme\"} 1\n{account=\"identity\"} 0\n{account=\"waiting\"} 1\n"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      FakeState state;
      state.status = KeyStatus{kNow, {}, {}, row.unreachable};
      BOOST_TEST(samples(metrics_text(*site(), &state, kNow), "blobvalet_azure_reachable") == row.samples);
      state.status->written = kNow - 6min;
      BOOST_TEST(samples(metrics_text(*site(), &state, kNow), "blobvalet_azure_reachable") == "none");
    }
  }
}

BOOST_AUTO_TEST_CASE(one_worker_with_an_old_configuration_shows) {
  FakeState state;
  state.has_meters = true;
  state.figures.meter(MeterKind::gauge, metric::kReloadFailed)->set(2);
  BOOST_TEST(samples(metrics_text(*site(), &state, kNow), "blobvalet_reload_failed") == " 1\n");
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
