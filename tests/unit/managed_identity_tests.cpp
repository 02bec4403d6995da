#include "core/managed_identity.hpp"
#include "tests/unit/identity_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using IdKind = IdentityOptions::IdKind;

constexpr std::string_view kKeyFile = "/var/opt/azcmagent/tokens/a1b2-c3.key";
constexpr std::string_view kHeader = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a";

IdentityEnvironment app_service() {
  IdentityEnvironment environment;
  environment.identity_endpoint = "http://127.0.0.1:41741/msi/token/";
  environment.identity_header = std::make_shared<const SecretBytes>(secret(kHeader));
  return environment;
}

IdentityEnvironment arc() {
  IdentityEnvironment environment;
  environment.identity_endpoint = "http://localhost:40342/metadata/identity/oauth2/token";
  environment.imds_endpoint = "http://localhost:40342";
  return environment;
}

HttpAnswer challenge(std::string_view file = kKeyFile) {
  return http_answer(401, {{"www-authenticate", "Basic realm=" + std::string(file)}});
}

struct Bench : IdentityBench {
  IdentityOptions options;
  IdentityEnvironment environment;

  Bench() {
    files.path = kKeyFile;
    files.text = "the-challenge-key";
  }
  std::string fetch(std::vector<Outcome> answers) {
    http.answers = std::move(answers);
    return fetched(managed_identity(options, environment, ports));
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(managed_identity_tests)

BOOST_AUTO_TEST_CASE(requests_are_those_of_the_sdks) {
  struct Row {
    const char* name;
    IdentityEnvironment environment;
    IdKind kind;
    const char* id;
    std::string sent;
  };
  IdentityEnvironment pod;
  pod.pod_identity_host = "http://127.0.0.1:4141//";
  IdentityEnvironment endpoint_alone;
  endpoint_alone.identity_endpoint = "http://127.0.0.1:41741/msi/token/";
  IdentityEnvironment header_alone = app_service();
  header_alone.identity_endpoint.clear();
  IdentityEnvironment both = app_service();
  both.imds_endpoint = "http://localhost:40342";
  const std::string imds =
      "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
      "resource=https%3A%2F%2Fstorage.azure.com";
  const std::string site =
      "GET http://127.0.0.1:41741/msi/token/?api-version=2019-08-01&resource=https%3A%2F%2Fstorage.azure.com";
  const std::string metadata = "\nMetadata: true\n\n";
  const std::string header = "\nX-IDENTITY-HEADER: " + std::string(kHeader) + "\n\n";
  const Row rows[] = {
      {"a machine", {}, IdKind::system, "", imds + metadata},
      {"by client id", {}, IdKind::client_id, "11-22", imds + "&client_id=11-22" + metadata},
      {"by object id", {}, IdKind::object_id, "11-22", imds + "&object_id=11-22" + metadata},
      {"by resource id",
       {},
       IdKind::resource_id,
       "/subscriptions/1/a b",
       imds + "&msi_res_id=%2Fsubscriptions%2F1%2Fa%20b" + metadata},
      {"a pod", pod, IdKind::system, "",
       "GET http://127.0.0.1:4141/metadata/identity/oauth2/token?api-version=2018-02-01&"
       "resource=https%3A%2F%2Fstorage.azure.com\nMetadata: true\n\n"},
      {"an endpoint alone", endpoint_alone, IdKind::system, "", imds + metadata},
      {"a header alone", header_alone, IdKind::system, "", imds + metadata},
      {"App Service", app_service(), IdKind::system, "", site + header},
      {"App Service by client id", app_service(), IdKind::client_id, "11-22",
       site + "&client_id=11-22" + header},
      {"App Service by object id", app_service(), IdKind::object_id, "11-22",
       site + "&principal_id=11-22" + header},
      {"App Service by resource id", app_service(), IdKind::resource_id, "/a&b",
       site + "&mi_res_id=%2Fa%26b" + header},
      {"App Service before Arc", both, IdKind::system, "", site + header},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.environment = row.environment;
      bench.options.id_kind = row.kind;
      bench.options.id = row.id;
      BOOST_TEST(bench.fetch({token_answer()}) == "token");
      BOOST_TEST(bench.sent() == row.sent);
      BOOST_TEST(bench.http.calls.size() == 1U);
      BOOST_TEST(bench.waits() == "");
      BOOST_TEST(bench.http.calls[0].unix_socket == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_first_probe_connects_in_a_second) {
  Bench bench;
  BOOST_TEST(bench.fetch({failed(HttpFailure::unreachable), token_answer()}) == "token");
  BOOST_TEST(bench.http.calls[0].connect_timeout.count() == 1000);
  BOOST_TEST(bench.http.calls[1].connect_timeout.count() == 3000);
  BOOST_TEST(bench.http.calls[1].timeout.count() == 10000);
}

BOOST_AUTO_TEST_CASE(a_machine_is_asked_again_while_that_helps) {
  const std::string who = "the machine's managed identity (IMDS) ";
  struct Row {
    const char* name;
    IdentityBench::Outcome answer;
    std::string result;
    const char* waits;
  };
  const char* const five_tries = "2000 4000 8000 16000";
  const Row rows[] = {
      {"404", http_answer(404), "later: " + who + "answered 404", five_tries},
      {"429", http_answer(429), "later: " + who + "answered 429", five_tries},
      {"500", http_answer(500), "later: " + who + "answered 500", five_tries},
      {"503", http_answer(503), "later: " + who + "answered 503", five_tries},
      {"599", http_answer(599), "later: " + who + "answered 599", five_tries},
      {"unreachable", failed(HttpFailure::unreachable), "later: " + who + "cannot be reached", five_tries},
      {"timed out", failed(HttpFailure::timed_out), "later: " + who + "did not answer in time", five_tries},
      // Seven seconds and some calls before 70 have passed.
      {"410", http_answer(410), "later: " + who + "answered 410", "2000 4000 8000 16000 16000 16000 7993"},

      {"400", http_answer(400, {}, R"({"error":"invalid_request","error_description":"Identity not found"})"),
       "final: " + who + "answered 400: invalid_request: Identity not found", ""},
      {"401", http_answer(401), "final: " + who + "answered 401", ""},
      {"403", http_answer(403), "final: " + who + "answered 403", ""},
      {"405", http_answer(405), "final: " + who + "answered 405", ""},
      {"408", http_answer(408), "final: " + who + "answered 408", ""},
      {"a redirect", http_answer(302, {{"location", "http://x/"}}), "final: " + who + "answered 302", ""},
      {"204", http_answer(204), "final: " + who + "answered 204", ""},
      {"HTML", http_answer(200, {}, "<html>"), "later: " + who + "gave an answer that is no JSON object", ""},
      {"no token", http_answer(200, {}, "{}"), "later: " + who + "gave an answer without a token", ""},
      {"too large", failed(HttpFailure::too_large), "later: " + who + "gave an answer that is too large", ""},
      {"no HTTP", failed(HttpFailure::malformed), "later: " + who + "does not speak HTTP", ""},
      {"untrusted", failed(HttpFailure::untrusted),
       "final: " + who + "shows a certificate that is not trusted", ""},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      BOOST_TEST(bench.fetch({row.answer}) == row.result);
      BOOST_TEST(bench.waits() == row.waits);
      BOOST_TEST(bench.http.calls.size() == bench.timer.waits.size() + 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_machine_may_ask_for_a_longer_wait) {
  const std::string who = "later: the machine's managed identity (IMDS) answered ";
  struct Row {
    const char* name;
    std::vector<IdentityBench::Outcome> answers;
    std::string result;
    const char* waits;
  };
  const Row rows[] = {
      {"longer", {http_answer(429, {{"retry-after", "5"}}), token_answer()}, "token", "5000"},
      {"in milliseconds", {http_answer(503, {{"retry-after-ms", "2500"}}), token_answer()}, "token", "2500"},
      {"until a date",
       {http_answer(503, {{"retry-after", "Sun, 01 Mar 2026 12:00:09 GMT"}}), token_answer()},
       "token",
       "9000"},
      {"shorter than ours", {http_answer(429, {{"retry-after", "0"}}), token_answer()}, "token", "2000"},
      {"as long as we may", {http_answer(429, {{"retry-after", "69"}}), token_answer()}, "token", "69000"},
      {"too long", {http_answer(429, {{"retry-after", "70"}}), token_answer()}, who + "429 | in 70 s", ""},
      {"decades", {http_answer(503, {{"retry-after", "999999999"}})}, who + "503 | in 999999999 s", ""},
      {"an update that asks for no wait",
       {http_answer(410, {{"retry-after", "0"}})},
       who + "410",
       "2000 4000 8000 16000 16000 16000 7993"},
      {"not for what is final",
       {http_answer(400, {{"retry-after", "5"}})},
       "final: the machine's managed identity (IMDS) answered 400 | in 5 s",
       ""},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      BOOST_TEST(bench.fetch(row.answers) == row.result);
      BOOST_TEST(bench.waits() == row.waits);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_machine_that_recovers_gives_its_token) {
  Bench bench;
  BOOST_TEST(bench.fetch({http_answer(404), http_answer(410), failed(HttpFailure::timed_out),
                          http_answer(500), token_answer()}) == "token");
  BOOST_TEST(bench.waits() == "2000 4000 8000 16000");

  Bench broken;
  BOOST_TEST(broken.fetch({http_answer(404), http_answer(400), token_answer()}) ==
             "final: the machine's managed identity (IMDS) answered 400");
  BOOST_TEST(broken.waits() == "2000");
}

BOOST_AUTO_TEST_CASE(local_services_are_asked_again_while_that_helps) {
  struct Row {
    const char* name;
    IdentityBench::Outcome answer;
    std::string result;
    bool again;
  };
  const Row rows[] = {
      {"429", http_answer(429), "later: * answered 429", true},
      {"500", http_answer(500), "later: * answered 500", true},
      {"unreachable", failed(HttpFailure::unreachable), "later: * cannot be reached", true},
      {"timed out", failed(HttpFailure::timed_out), "later: * did not answer in time", true},
      {"400", http_answer(400, {}, R"({"statusCode":400,"message":"No User Assigned identity found"})"),
       "final: * answered 400: No User Assigned identity found", false},
      {"404", http_answer(404), "final: * answered 404", false},
      {"410", http_answer(410), "final: * answered 410", false},
      {"too large", failed(HttpFailure::too_large), "later: * gave an answer that is too large", false},
  };
  const std::pair<IdentityEnvironment, const char*> services[] = {
      {app_service(), "App Service's managed identity (IDENTITY_ENDPOINT)"},
      {arc(), "Azure Arc's managed identity (IDENTITY_ENDPOINT)"},
  };
  for (const auto& [environment, who] : services) {
    for (const Row& row : rows) {
      BOOST_TEST_CONTEXT(who << " " << row.name) {
        Bench bench;
        bench.environment = environment;
        std::string result = row.result;
        result.replace(result.find('*'), 1, who);
        BOOST_TEST(bench.fetch({row.answer}) == result);
        BOOST_TEST(bench.waits() == (row.again ? "2000 4000 8000 16000" : ""));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_an_app_service_repeats_is_not_shown) {
  Bench bench;
  bench.environment = app_service();
  const std::string body = R"({"message":"bad header )" + std::string(kHeader) + "\"}";
  BOOST_TEST(bench.fetch({http_answer(401, {}, body)}) ==
             "final: App Service's managed identity (IDENTITY_ENDPOINT) answered 401");
}

BOOST_AUTO_TEST_CASE(arc_is_shown_its_key) {
  Bench bench;
  bench.environment = arc();
  BOOST_TEST(bench.fetch({challenge(), token_answer()}) == "token");
  const std::string get =
      "GET http://localhost:40342/metadata/identity/oauth2/token?api-version=2019-11-01&"
      "resource=https%3A%2F%2Fstorage.azure.com\nMetadata: true\n";
  BOOST_TEST(bench.sent(0) == get + "\n");
  BOOST_TEST(bench.sent(1) == get + "Authorization: Basic the-challenge-key\n\n");
  BOOST_TEST(bench.http.calls.size() == 2U);
}

BOOST_AUTO_TEST_CASE(both_of_arcs_answers_may_be_late) {
  Bench bench;
  bench.environment = arc();
  BOOST_TEST(bench.fetch({http_answer(503), challenge(), http_answer(500), token_answer()}) == "token");
  BOOST_TEST(bench.waits() == "2000 2000");
}

BOOST_AUTO_TEST_CASE(arc_gets_no_other_file) {
  const std::string folder = "/var/opt/azcmagent/tokens/";
  struct Row {
    const char* name;
    std::string header;
  };
  const Row rows[] = {
      {"no header", ""},
      {"no realm", "Basic"},
      {"another scheme", "Bearer realm=" + std::string(kKeyFile)},
      {"another parameter", "Basic charset=" + std::string(kKeyFile)},
      {"no file", "Basic realm="},
      {"another file", "Basic realm=/etc/shadow"},
      {"another ending", "Basic realm=" + folder + "a.pem"},
      {"a folder below", "Basic realm=" + folder + "a/b.key"},
      {"out of the folder", "Basic realm=" + folder + "../../../../etc/ssl/private/a.key"},
      {"out and in", "Basic realm=" + folder + "../tokens/a.key"},
      {"a folder that begins so", "Basic realm=/var/opt/azcmagent/tokens2/a.key"},
      {"no name", "Basic realm=" + folder + ".key"},
      {"the folder", "Basic realm=" + folder},
      {"a doubled slash", "Basic realm=/" + std::string(kKeyFile)},
      {"a relative path", "Basic realm=" + std::string(kKeyFile.substr(1))},
      {"a blank", "Basic realm=" + folder + "a b.key"},
      {"something behind it", "Basic realm=" + std::string(kKeyFile) + ", charset=UTF-8"},
      {"quotes", "Basic realm=\"" + std::string(kKeyFile) + "\""},
      {"a backslash", "Basic realm=" + folder + "..\\a.key"},
      {"a NUL", "Basic realm=" + folder + "a\0.key"s},
      {"upper case", "Basic realm=" + folder + "A.KEY"},
      {"beyond ASCII", "Basic realm=" + folder + "\xc3\xa4.key"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.environment = arc();
      // Whatever is asked for would be there.
      bench.files.path = row.header.substr(std::min(row.header.size(), "Basic realm="sv.size()));
      BOOST_TEST(
          bench.fetch({http_answer(401, {{"www-authenticate", row.header}}), token_answer()}) ==
          "final: Azure Arc's managed identity (IDENTITY_ENDPOINT) asked for another file than its keys");
      BOOST_TEST(bench.http.calls.size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(arc_gets_no_odd_key) {
  const std::string who = "final: Azure Arc's managed identity (IDENTITY_ENDPOINT) ";
  const std::string no_key = who + "wants a key file that holds no key";
  struct Row {
    const char* name;
    std::string_view path;
    std::string key;
    std::string result;
  };
  const Row rows[] = {
      {"the longest", kKeyFile, std::string(4096, 'k'), "token"},
      {"too long", kKeyFile, std::string(4097, 'k'), no_key},
      {"a line end", kKeyFile, "a\r\nb", no_key},
      {"a blank", kKeyFile, "a b", no_key},
      {"a NUL", kKeyFile, "a\0b"s, no_key},
      {"nothing", kKeyFile, "", no_key},
      {"no file", "/elsewhere", "k",
       who + "wants a key file that cannot be read; is this user in group himds?"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.environment = arc();
      bench.files.path = row.path;
      bench.files.text = row.key;
      BOOST_TEST(bench.fetch({challenge(), token_answer()}) == row.result);
      BOOST_TEST(bench.http.calls.size() == (row.result == "token" ? 2U : 1U));
    }
  }
}

BOOST_AUTO_TEST_CASE(arc_has_to_challenge) {
  const std::string who = "final: Azure Arc's managed identity (IDENTITY_ENDPOINT) ";
  Bench bench;
  bench.environment = arc();
  BOOST_TEST(bench.fetch({token_answer()}) == who + "did not ask for its key file");

  Bench refused;
  refused.environment = arc();
  BOOST_TEST(refused.fetch({challenge(), http_answer(401, {}, R"({"message":"not the-challenge-key"})")}) ==
             who + "answered 401");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_asked_is_final) {
  struct Row {
    const char* name;
    IdentityEnvironment environment;
    IdKind kind;
    const char* result;
  };
  const auto endpoint = [](IdentityEnvironment environment, std::string url) {
    environment.identity_endpoint = std::move(url);
    return environment;
  };
  const auto pod = [](std::string host) {
    IdentityEnvironment environment;
    environment.pod_identity_host = std::move(host);
    return environment;
  };
  IdentityEnvironment odd_header = app_service();
  odd_header.identity_header = std::make_shared<const SecretBytes>(secret("a\r\nb"));
  const char* const no_endpoint = "final: IDENTITY_ENDPOINT is no http(s) URL";
  const char* const no_pod = "final: AZURE_POD_IDENTITY_AUTHORITY_HOST is no http(s) URL";
  const char* const no_choice =
      "final: Azure Arc's managed identity (IDENTITY_ENDPOINT) is the server's own: there is none to choose "
      "by "
      "an id";
  const Row rows[] = {
      {"Arc by client id", arc(), IdKind::client_id, no_choice},
      {"Arc by resource id", arc(), IdKind::resource_id, no_choice},
      {"no scheme", endpoint(app_service(), "127.0.0.1:41741/msi/token"), IdKind::system, no_endpoint},
      {"a file", endpoint(arc(), "file:///etc/passwd"), IdKind::system, no_endpoint},
      {"a line end", endpoint(arc(), "http://a/\r\nX: 1"), IdKind::system, no_endpoint},
      {"a query", endpoint(app_service(), "http://a/?b=c"), IdKind::system, no_endpoint},
      {"a fragment", endpoint(app_service(), "http://a/#b"), IdKind::system, no_endpoint},
      {"a pod without scheme", pod("127.0.0.1"), IdKind::system, no_pod},
      {"a pod with a blank", pod("http://a b"), IdKind::system, no_pod},
      {"a header of two lines", odd_header, IdKind::system, "final: IDENTITY_HEADER is not printable ASCII"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.environment = row.environment;
      bench.options.id_kind = row.kind;
      bench.options.id = "11-22";
      BOOST_TEST(bench.fetch({token_answer()}) == row.result);
      BOOST_TEST(bench.http.calls.empty());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
