#include "core/blob_service.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

Account account() {
  Account account;
  account.name = "acme";
  account.endpoints = {*EndpointUrl::parse("https://acme.example/path")};
  account.requests.ca_file = "ca.pem";
  return account;
}

struct Bench {
  FakeTimer timer;
  FakeHttp http{timer};
  FakeClock clock;
  Account owner = account();
};

std::string header_of(const HttpCall& call, std::string_view name) {
  for (const std::string& header : call.headers) {
    if (header.starts_with(name)) return header.substr(name.size());
  }
  return "none";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(blob_service_tests)

BOOST_AUTO_TEST_CASE(requests) {
  struct Row {
    const char* name;
    ServiceCredential credential;
    std::string url;
    std::string authorization;
  };
  const std::string url = "https://acme.example/path/?restype=service&comp=properties";
  std::vector<Row> rows;
  rows.push_back({"an account key", account_key(), url, "SharedKey acme:"});
  rows.push_back({"a token", BearerToken{secret("token")}, url, "Bearer token"});
  rows.push_back({"a SAS", AccountSas{secret("sv=1&sig=s")}, url + "&sv=1&sig=s", "none"});
  for (Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.http.answers = {http_answer(200, {}, "<xml/>"), http_answer(202)};
      BlobService service(bench.owner, std::move(row.credential), bench.http, bench.clock);
      BOOST_TEST(service.properties().value() == "<xml/>");
      BOOST_TEST(service.set_properties("<new/>").has_value());
      const HttpCall& get = bench.http.calls.at(0);
      const HttpCall& put = bench.http.calls.at(1);
      BOOST_TEST(get.method == "GET");
      BOOST_TEST(put.method == "PUT");
      BOOST_TEST(put.body == "<new/>");
      BOOST_TEST(header_of(put, "Content-Type: ") == "application/xml");
      for (const HttpCall* call : {&get, &put}) {
        BOOST_TEST(call->url == row.url);
        BOOST_TEST(call->ca_file == "ca.pem");
        BOOST_TEST(header_of(*call, "x-ms-version: ") == "2023-11-03");
        BOOST_TEST(header_of(*call, "Authorization: ").starts_with(row.authorization));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(failures_say_why) {
  struct Row {
    const char* name;
    FakeHttp::Outcome outcome;
    std::string reason;
  };
  const std::vector<Row> rows{
      {"nobody there", tl::unexpected(HttpFailure::unreachable), "acme: it cannot be reached"},
      {"no answer", tl::unexpected(HttpFailure::timed_out), "acme: it did not answer in time"},
      {"an unknown certificate", tl::unexpected(HttpFailure::untrusted),
       "acme: its certificate is not trusted"},
      {"a wrong key", http_answer(403, {{"x-ms-error-code", "AuthenticationFailed"}}),
       "acme: Azure answered 403 AuthenticationFailed; it is no key"},
      {"too few rights", http_answer(403, {{"x-ms-error-code", "AuthorizationPermissionMismatch"}}),
       "acme: Azure answered 403 AuthorizationPermissionMismatch; the identity needs"},
      {"a code that nobody knows", http_answer(500, {{"x-ms-error-code", "<b>"}}),
       "acme: Azure answered 500"},
      {"a status of something else", http_answer(204), "acme: Azure answered 204"},
  };
  for (const auto& [name, outcome, reason] : rows) {
    BOOST_TEST_CONTEXT(name) {
      Bench bench;
      bench.http.answers = {outcome};
      BlobService service(bench.owner, account_key(), bench.http, bench.clock);
      BOOST_TEST(service.properties().error().starts_with(reason));
      BOOST_TEST(service.set_properties("<x/>").error().starts_with(reason));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
