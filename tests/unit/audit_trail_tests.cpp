#include "core/app.hpp"
#include "core/audit_trail.hpp"
#include "core/sha256.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [ { "name": "acme", "endpoint": "https://acme.blob.core.windows.net", "aliases": ["https://cdn.example"],
                  "credential": { "type": "shared_key", "key_file": "k" } } ],
  "sas": { "start_backdate_seconds": 60, "put_lifetime_seconds": 600 },
  "rules": [
    { "name": "own", "account": "acme", "container": "uploads", "blobs": ["{tenant}/{user}/**"],
      "methods": ["PUT", "DELETE"], "sas": { "bind_client_ip": true } },
    { "name": "drop", "account": "acme", "container": "drop", "blobs": ["**"], "methods": ["PUT"], "anonymous": true } ],
  "success": { "verify": { "enabled": false } },
  "server": SERVER })";

std::string site_text(std::string_view server = "{}") {
  std::string json(kSite);
  return json.replace(json.find("SERVER"), 6, server);
}

struct Bench {
  explicit Bench(std::string_view server = "{}") : app(site_from(site_text(server)), clock) {}
  Event ask(std::string_view uri, std::string_view method = "PUT") {
    query = "bloburi=" + escaped(uri) + "&_method=" + std::string(method);
    request = signature_request(query);
    request.vars = {{"tenant", "t1"}, {"secret", "not used by any pattern"}};
    return app.handle(request, response);
  }
  FakeClock clock;
  App app;
  std::string query;
  Request request;
  Response response;
};

const std::string kUri = "https://acme.blob.core.windows.net/uploads/t1/bob/a";

std::string signature_in(const std::string& uri) {
  return unescaped(uri.substr(uri.find("&sig=") + 5));
}

std::string show(std::span<const NamedValue> vars) {
  std::string text;
  for (const auto& [name, value] : vars)
    text.append(name).append("=").append(value).append(" ");
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(audit_trail_tests)

BOOST_AUTO_TEST_CASE(a_grant_is_taken_down) {
  Bench bench;
  const Event event = bench.ask(kUri);
  BOOST_REQUIRE(event.given.has_value());
  const GivenSas& given = *event.given;
  BOOST_TEST(given.permissions == "cw");
  BOOST_TEST((given.start == at("2026-03-01T11:59:00Z")));
  BOOST_TEST((given.expiry == at("2026-03-01T12:10:00Z")));
  BOOST_TEST(given.lifetime.count() == 600);
  BOOST_TEST(given.ip == "203.0.113.7");
  BOOST_TEST(!given.is_bound);
  BOOST_TEST(given.signature_sha256 == sha256_hex(signature_in(bench.response.body)));
  BOOST_TEST(event.remote_addr == "203.0.113.7");
  BOOST_TEST(event.alias == "");
}

// Known from "Best practices for monitoring Azure Blob Storage": echo -n "<signature>" | sha256sum.
BOOST_AUTO_TEST_CASE(the_hash_is_that_of_the_signature_in_base64) {
  BOOST_TEST(sha256_hex("3g8poh2lGCqEUUy8Hp5Q0A+LJ6+8tXvGilp7+5XjUr4=") ==
             "8ca43036df620db0f36442946ca0fec7fe614efd2721b7d17657dd2ffd7a64d6");
}

BOOST_AUTO_TEST_CASE(of_the_variables_only_those_that_patterns_use) {
  Bench bench;
  BOOST_TEST(show(bench.ask(kUri).vars) == "tenant=t1 ");
  bench.ask(kUri);
  bench.request.vars.clear();
  const Event event = bench.app.handle(bench.request, bench.response);
  BOOST_TEST(show(event.vars) == "tenant= ");
  BOOST_TEST(!event.given.has_value());
}

BOOST_AUTO_TEST_CASE(what_was_refused_has_given_nothing) {
  Bench bench;
  BOOST_TEST(!bench.ask("https://acme.blob.core.windows.net/uploads/t2/bob/a").given.has_value());
  const Event unknown = bench.ask("https://x.example/uploads/t1/bob/a");
  BOOST_TEST(!unknown.given.has_value());
  BOOST_TEST(unknown.blob_uri == "https://x.example/uploads/t1/bob/a");
  BOOST_TEST(unknown.blob == "");
  BOOST_TEST(bench.ask(kUri).blob_uri == "");
}

BOOST_AUTO_TEST_CASE(an_alias_is_noted) {
  Bench bench;
  BOOST_TEST(bench.ask("https://cdn.example/uploads/t1/bob/a").alias == "https://cdn.example");
}

BOOST_AUTO_TEST_CASE(without_an_audit_log_there_is_no_hash) {
  Bench bench(R"({ "audit_log": false })");
  const Event event = bench.ask(kUri);
  BOOST_REQUIRE(event.given.has_value());
  BOOST_TEST(event.given->signature_sha256 == "");
  BOOST_TEST(event.given->permissions == "cw");
}

BOOST_AUTO_TEST_CASE(taking_it_down_allocates_nothing_once_it_is_warm) {
  Bench bench;
  for (const std::string_view method : {"PUT", "DELETE"}) {
    (void)bench.ask(kUri, method);
    const AllocationCount count;
    (void)bench.app.handle(bench.request, bench.response);
    BOOST_TEST(count.calls() == 0U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
