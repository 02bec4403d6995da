#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/key_renewer.hpp"
#include "fcgi/system_clock.hpp"
#include "tests/unit/http_peer.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using std::chrono::steady_clock;

std::string http(std::string_view status, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}

/// What stands in a request between `<Name>` and its end.
std::string element(const std::string& request, const std::string& name) {
  const std::size_t begin = request.find("<" + name + ">") + name.size() + 2;
  return request.substr(begin, request.find("</" + name + ">") - begin);
}

/// Plays Entra and Azure at one address.
class FakeCloud {
 public:
  [[nodiscard]] std::string url() const { return peer_.url(""); }
  std::atomic<bool> refuses = false;  ///< tokens
  std::atomic<bool> hangs = false;
  std::atomic<int> tokens = 0;
  std::atomic<int> keys = 0;

  FakeCloud() = default;
  ~FakeCloud() { ended_ = true; }
  FakeCloud(const FakeCloud&) = delete;
  FakeCloud& operator=(const FakeCloud&) = delete;
  FakeCloud(FakeCloud&&) = delete;
  FakeCloud& operator=(FakeCloud&&) = delete;

 private:
  void serve(HttpSession& session) {
    for (std::string request; !(request = session.read_request()).empty();) {
      while (hangs && !ended_ && !session.closed_within(20)) {
      }
      if (hangs || !session.write(answer(request))) return;
    }
  }
  std::string answer(const std::string& request) {
    if (request.starts_with("HEAD "))
      return "HTTP/1.1 400 Bad\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n";
    if (request.find("/oauth2/") != std::string::npos) {
      ++tokens;
      if (refuses) return http("401 Unauthorized", "{}");
      return http("200 OK", R"({"access_token":"token","token_type":"Bearer","expires_in":86400})");
    }
    ++keys;
    return http("200 OK",
                "<UserDelegationKey><SignedOid>f81d4fae-7dec-11d0-a765-00a0c91e6bf6</SignedOid>"
                "<SignedTid>72f988bf-86f1-41af-91ab-2d7cd011db47</SignedTid><SignedStart>" +
                    element(request, "Start") + "</SignedStart><SignedExpiry>" + element(request, "Expiry") +
                    "</SignedExpiry><SignedService>b</SignedService><SignedVersion>2023-11-03</SignedVersion>"
                    "<Value>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</Value></UserDelegationKey>");
  }

  std::atomic<bool> ended_ = false;
  HttpPeer peer_{[this](HttpSession& session, int) { serve(session); }};
};

/// Two accounts, of which the second has an identity, and what renews its key.
struct Bench {
  Bench() = default;

  [[nodiscard]] Config config() const {
    Config config = config_from(
        R"({"accounts":[{"name":"plain","endpoint":"https://plain.invalid","credential":{"type":"shared_key","key_file":"k"}},
        {"name":"acme","endpoint":")" +
        cloud.url() + R"(/acme","credential":{"type":"client_secret","tenant_id":"t","secret_env":"S",
          "client_id":"01234567-89ab-cdef-0123-456789abcdef","authority":")" +
        cloud.url() + R"("}}],
        "rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"],
                  "sas":{"protocol":"https,http"}}]})");
    config.accounts.erase(config.accounts.begin() + (with_plain ? 1 : 0), config.accounts.begin() + 1);
    config.keys.directory = keys.path().string();
    return config;
  }
  [[nodiscard]] std::unique_ptr<KeyRenewer> renewer() const {
    const auto secret = std::make_shared<const SecretBytes>(testing::secret("hush"));
    Config all = config();
    std::vector<std::shared_ptr<const SecretBytes>> secrets(all.accounts.size());
    secrets.back() = secret;
    return std::make_unique<KeyRenewer>(std::move(all), IdentityEnvironment{}, std::move(secrets), clock);
  }
  [[nodiscard]] bool has_key() const {
    std::string fault;
    const auto key = keys.read_key("acme", fault);
    BOOST_TEST(fault == "");
    return key.has_value();
  }
  /// Waits for it, for some seconds at most.
  template <class Condition>
  static bool comes_true(Condition condition) {
    for (int i = 0; i < 500 && !condition(); ++i)
      std::this_thread::sleep_for(10ms);
    return condition();
  }

  bool with_plain = true;
  const CurlLibrary curl;
  const SystemClock clock{};
  TempDir dir;
  KeyDirectory keys{dir.path() / "keys"};
  FakeCloud cloud;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_renewer_tests)

BOOST_AUTO_TEST_CASE(once_is_enough_for_a_key) {
  const Bench bench;
  BOOST_TEST(bench.renewer()->run_once().empty());
  BOOST_TEST(bench.has_key());
  const auto status = bench.keys.read_status();
  BOOST_REQUIRE(status.has_value());
  BOOST_TEST(status->failures.empty());
  BOOST_TEST((std::chrono::abs(status->written - bench.clock.now()) < 60s));
  BOOST_TEST(!status->clock_skew.has_value(), "nobody has asked");
  // The next process finds it.
  BOOST_TEST(bench.renewer()->run_once().empty());
  BOOST_TEST(bench.cloud.keys == 1);
  BOOST_TEST(bench.cloud.tokens == 1);
}

BOOST_AUTO_TEST_CASE(a_failure_is_told_and_forgotten_when_it_is_over) {
  Bench bench;
  bench.cloud.refuses = true;
  const auto failures = bench.renewer()->run_once();
  BOOST_REQUIRE_EQUAL(failures.size(), 1U);
  BOOST_TEST(failures[0].account == "acme");
  BOOST_TEST(failures[0].reason == "client secret: the token endpoint answered 401");
  BOOST_TEST(bench.keys.read_status().value().failures.at(0).reason == failures[0].reason);
  BOOST_TEST(!bench.has_key());
  bench.cloud.refuses = false;
  BOOST_TEST(bench.renewer()->run_once().empty());
  BOOST_TEST(bench.keys.read_status().value().failures.empty());
  BOOST_TEST(bench.has_key());
}

BOOST_AUTO_TEST_CASE(threads_fetch_keys_and_compare_clocks) {
  Bench bench;
  bench.with_plain = false;  // its clock cannot be asked
  const auto renewer = bench.renewer();
  renewer->start();
  BOOST_TEST(Bench::comes_true([&] { return bench.has_key(); }));
  BOOST_TEST(Bench::comes_true([&] {
    const auto status = bench.keys.read_status();
    return status && status->clock_skew;
  }));
  const auto skew = bench.keys.read_status().value().clock_skew.value();
  const auto expected = bench.clock.now() - at("2026-01-01T00:00:00Z");
  BOOST_TEST((std::chrono::abs(skew - expected) < 60s));
  BOOST_TEST(bench.cloud.keys == 1);
}

BOOST_AUTO_TEST_CASE(keys_of_accounts_without_an_identity_are_removed) {
  const Bench bench;
  BOOST_TEST(bench.renewer()->run_once().empty());
  std::filesystem::copy_file(bench.keys.key_file("acme"), bench.keys.key_file("stranger"));
  std::filesystem::copy_file(bench.keys.key_file("acme"), bench.keys.key_file("plain"));
  const auto renewer = bench.renewer();
  BOOST_TEST(std::filesystem::exists(bench.keys.key_file("acme")));
  BOOST_TEST(!std::filesystem::exists(bench.keys.key_file("stranger")));
  BOOST_TEST(!std::filesystem::exists(bench.keys.key_file("plain")));
}

BOOST_AUTO_TEST_CASE(a_directory_that_cannot_be_made_is_said) {
  Bench bench;
  bench.keys = KeyDirectory(bench.dir.path() / "none/keys");
  BOOST_CHECK_THROW((void)bench.renewer(), std::runtime_error);
}

// Whoever stops or reloads us does not wait for a cloud that does not answer.
BOOST_AUTO_TEST_CASE(it_ends_while_a_request_hangs) {
  Bench bench;
  bench.cloud.hangs = true;
  auto renewer = bench.renewer();
  renewer->start();
  std::this_thread::sleep_for(300ms);
  const auto start = steady_clock::now();
  renewer.reset();
  BOOST_TEST((steady_clock::now() - start < 4s));
  BOOST_TEST(!bench.has_key());
  // What failed then failed because of that.
  const auto status = bench.keys.read_status();
  BOOST_TEST((!status || status->failures.empty()));
}

BOOST_AUTO_TEST_CASE(it_ends_while_it_waits_for_the_next_attempt) {
  Bench bench;
  bench.cloud.refuses = true;
  auto renewer = bench.renewer();
  renewer->start();
  BOOST_TEST(Bench::comes_true([&] {
    const auto status = bench.keys.read_status();
    return status && !status->failures.empty();
  }));
  renewer->wake();
  const auto start = steady_clock::now();
  renewer.reset();
  BOOST_TEST((steady_clock::now() - start < 4s));
}

BOOST_AUTO_TEST_SUITE_END()
