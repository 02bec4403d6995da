#include "core/entra_identity.hpp"
#include "tests/unit/identity_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kSecret = "s3~cret & more+%";
constexpr std::string_view kAssertion = "eyJ0eXAi.eyJhdWQi.c2ln-_";

const EntraApplication kApplication{"11-22", "33-44", "", ""};

struct Bench : IdentityBench {
  EntraApplication application = kApplication;

  Bench() {
    files.path = "/run/token";
    files.text = kAssertion;
  }
  std::string by_secret(std::vector<Outcome> answers) {
    http.answers = std::move(answers);
    return fetched(
        client_secret_identity(application, std::make_shared<const SecretBytes>(secret(kSecret)), ports));
  }
  std::string by_assertion(std::vector<Outcome> answers) {
    http.answers = std::move(answers);
    return fetched(workload_identity(application, "/run/token", ports));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(entra_identity_tests)

BOOST_AUTO_TEST_CASE(a_secret_is_exchanged) {
  Bench bench;
  bench.application.ca_file = "/etc/ca.pem";
  BOOST_TEST(bench.by_secret({token_answer()}) == "token");
  BOOST_TEST(bench.sent() ==
             "POST https://login.microsoftonline.com/11-22/oauth2/v2.0/token\n"
             "Content-Type: application/x-www-form-urlencoded\n"
             "Accept: application/json\n"
             "\n"
             "grant_type=client_credentials&client_id=33-44&client_secret=s3~cret%20%26%20more%2B%25&"
             "scope=https%3A%2F%2Fstorage.azure.com%2F.default");
  BOOST_TEST(bench.http.calls[0].ca_file == "/etc/ca.pem");
}

BOOST_AUTO_TEST_CASE(an_assertion_is_exchanged_as_it_is_then) {
  Bench bench;
  bench.http.answers = {token_answer()};
  auto fetcher = workload_identity(kApplication, "/run/token", bench.ports);
  BOOST_TEST(fetched(fetcher) == "token");
  const std::string form =
      "POST https://login.microsoftonline.com/11-22/oauth2/v2.0/token\n"
      "Content-Type: application/x-www-form-urlencoded\n"
      "Accept: application/json\n"
      "\n"
      "grant_type=client_credentials&client_id=33-44&scope=https%3A%2F%2Fstorage.azure.com%2F.default&"
      "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
      "client_assertion=";
  BOOST_TEST(bench.sent(0) == form + std::string(kAssertion));
  bench.files.text = "renewed.e30.c2ln";
  BOOST_TEST(fetched(fetcher) == "token");
  BOOST_TEST(bench.sent(1) == form + "renewed.e30.c2ln");
}

BOOST_AUTO_TEST_CASE(authorities_are_https_or_of_this_machine) {
  const char* const no_https = "final: the authority host is no https URL (http only at this machine itself)";
  struct Row {
    const char* host;
    std::string url;  ///< empty: refused
  };
  const std::string path = "/11-22/oauth2/v2.0/token";
  const Row rows[] = {
      {"", "https://login.microsoftonline.com" + path},
      {"https://login.microsoftonline.us", "https://login.microsoftonline.us" + path},
      {"https://login.microsoftonline.com/", "https://login.microsoftonline.com" + path},
      {"https://login.partner.microsoftonline.cn//", "https://login.partner.microsoftonline.cn" + path},
      {"HTTPS://login.example.com:8443/sub", "HTTPS://login.example.com:8443/sub" + path},
      {"http://127.0.0.1:8080/", "http://127.0.0.1:8080" + path},
      {"http://localhost", "http://localhost" + path},
      {"http://[::1]:80", "http://[::1]:80" + path},

      {"http://login.microsoftonline.com", ""},
      {"login.microsoftonline.com", ""},
      {"https://", ""},
      {"/", ""},
      {"http://localhost.example.com", ""},
      {"http://127.0.0.1.example.com", ""},
      {"http://localhost@example.com", ""},
      {"http://localhost:80@example.com", ""},
      {"https://user:word@example.com", ""},
      {"https://example.com?a=b", ""},
      {"https://example.com#a", ""},
      {"https://example.com\\a", ""},
      {"https://exa mple.com", ""},
      {"https://example.com/\r\nX: 1", ""},
      {"ftp://localhost", ""},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.host) {
      Bench bench;
      bench.application.authority_host = row.host;
      BOOST_TEST(bench.by_secret({token_answer()}) == (row.url.empty() ? no_https : "token"));
      BOOST_TEST(bench.by_assertion({token_answer()}) == (row.url.empty() ? no_https : "token"));
      BOOST_TEST(bench.http.calls.size() == (row.url.empty() ? 0U : 2U));
      for (const HttpCall& call : bench.http.calls)
        BOOST_TEST(call.url == row.url);
    }
  }
}

BOOST_AUTO_TEST_CASE(tenants_are_ids_or_domains) {
  for (const char* tenant : {"72f988bf-86f1-41af-91ab-2d7cd011db47", "contoso.onmicrosoft.com", "common"}) {
    Bench bench;
    bench.application.tenant_id = tenant;
    BOOST_TEST(bench.by_secret({token_answer()}) == "token");
    BOOST_TEST(bench.http.asked() ==
               "POST https://login.microsoftonline.com/" + std::string(tenant) + "/oauth2/v2.0/token\n");
  }
  for (const char* tenant :
       {"", ".", "..", "a/b", "a..b", "a?b", "a#b", "a b", "a%2fb", "t\xc3\xa4", "a\n"}) {
    BOOST_TEST_CONTEXT(tenant) {
      Bench bench;
      bench.application.tenant_id = tenant;
      BOOST_TEST(bench.by_secret({token_answer()}) == "final: the tenant id is neither a GUID nor a domain");
      BOOST_TEST(bench.http.calls.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(refusals_are_told_apart) {
  const std::string entra = R"({"error":"invalid_client","error_description":"AADSTS7000222: The provided )"
                            R"(client secret keys for app '33-44' are expired.\r\nTrace ID: 1"})";
  const std::string echo = R"({"error":"invalid_client","error_description":"bad )" + std::string(kSecret) +
                           std::string(kAssertion) + "\"}";
  const std::string busy =
      R"({"error":"temporarily_unavailable","error_description":"AADSTS90033: Try later"})";
  struct Row {
    const char* name;
    IdentityBench::Outcome answer;
    std::string result;
    bool again;
  };
  const Row rows[] = {
      {"an expired secret", http_answer(401, {}, entra),
       "final: * answered 401: invalid_client: AADSTS7000222: The provided client secret keys for app "
       "'33-44' are "
       "expired.",
       false},
      {"the secret repeated", http_answer(401, {}, echo), "final: * answered 401: invalid_client", false},
      {"400 without JSON", http_answer(400, {}, "Bad Request"), "final: * answered 400", false},
      {"400 that may pass", http_answer(400, {}, busy),
       "later: * answered 400: temporarily_unavailable: AADSTS90033: Try later", false},
      {"403", http_answer(403), "final: * answered 403", false},
      {"404", http_answer(404), "final: * answered 404", false},
      {"408", http_answer(408), "final: * answered 408", false},
      {"410", http_answer(410), "final: * answered 410", false},
      {"a redirect", http_answer(302, {{"location", "https://x/"}}), "final: * answered 302", false},
      {"429", http_answer(429), "later: * answered 429", true},
      {"500", http_answer(500), "later: * answered 500", true},
      {"501", http_answer(501), "later: * answered 501", true},
      {"503", http_answer(503, {}, busy),
       "later: * answered 503: temporarily_unavailable: AADSTS90033: Try later", true},
      {"unreachable", failed(HttpFailure::unreachable), "later: * cannot be reached", true},
      {"timed out", failed(HttpFailure::timed_out), "later: * did not answer in time", true},
      {"untrusted", failed(HttpFailure::untrusted), "final: * shows a certificate that is not trusted",
       false},
      {"too large", failed(HttpFailure::too_large), "later: * gave an answer that is too large", false},
      {"no HTTP", failed(HttpFailure::malformed), "later: * does not speak HTTP", false},
      {"HTML", http_answer(200, {}, "<html>"), "later: * gave an answer that is no JSON object", false},
      {"no token", http_answer(200, {}, R"({"token_type":"Bearer"})"),
       "later: * gave an answer without a token", false},
      {"another token", http_answer(200, {}, R"({"access_token":"t","token_type":"pop","expires_in":60})"),
       "later: * gave a token that is no bearer token", false},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto expected = [&](std::string_view who) {
        std::string text = row.result;
        return text.replace(text.find('*'), 1, who);
      };
      const char* const waits = row.again ? "1000 2000 4000" : "";
      Bench secret_bench;
      BOOST_TEST(secret_bench.by_secret({row.answer}) == expected("client secret: the token endpoint"));
      BOOST_TEST(secret_bench.waits() == waits);
      Bench assertion_bench;
      BOOST_TEST(assertion_bench.by_assertion({row.answer}) ==
                 expected("workload identity: the token endpoint"));
      BOOST_TEST(assertion_bench.waits() == waits);
    }
  }
}

BOOST_AUTO_TEST_CASE(throttling_says_how_long) {
  Bench bench;
  BOOST_TEST(bench.by_secret({http_answer(429, {{"retry-after", "7"}}), token_answer()}) == "token");
  BOOST_TEST(bench.waits() == "7000");
  Bench patient;
  BOOST_TEST(patient.by_secret({http_answer(429, {{"retry-after", "120"}})}) ==
             "later: client secret: the token endpoint answered 429 | in 120 s");
  BOOST_TEST(patient.waits() == "");
}

BOOST_AUTO_TEST_CASE(the_answers_date_is_kept) {
  Bench bench;
  bench.http.answers = {http_answer(401, {{"date", "Sun, 01 Mar 2026 13:00:00 GMT"}})};
  auto fetcher = workload_identity(kApplication, "/run/token", bench.ports);
  const auto token = (*fetcher)->fetch();
  BOOST_REQUIRE(!token.has_value());
  BOOST_TEST((token.error().server_time == at("2026-03-01T13:00:00Z")));
}

BOOST_AUTO_TEST_CASE(without_an_assertion_nothing_is_sent) {
  struct Row {
    const char* name;
    const char* path;
    std::string text;
    const char* result;
  };
  const char* const no_token = "final: workload identity: the token file holds no token";
  const Row rows[] = {
      {"no file", "/elsewhere", "t", "final: workload identity: the token file cannot be read, or is empty"},
      {"two lines", "/run/token", "a\nb", no_token},
      {"a blank", "/run/token", "a b", no_token},
      {"a NUL", "/run/token", "a\0b"s, no_token},
      {"beyond ASCII", "/run/token", "\xef\xbb\xbftoken", no_token},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.files.path = row.path;
      bench.files.text = row.text;
      BOOST_TEST(bench.by_assertion({token_answer()}) == row.result);
      BOOST_TEST(bench.http.calls.empty());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
