#include "core/access_token.hpp"
#include "tests/unit/identity_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Kind = IdentityOptions::Kind;

constexpr std::string_view kImds =
    "GET http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&"
    "resource=https%3A%2F%2Fstorage.azure.com";

std::shared_ptr<const SecretBytes> shared(std::string_view text) {
  return std::make_shared<const SecretBytes>(secret(text));
}

/// Tenant, client, secret and token file, all in the environment.
IdentityEnvironment full_environment() {
  IdentityEnvironment environment;
  environment.tenant_id = "env-tenant";
  environment.client_id = "env-client";
  environment.federated_token_file = "/env/token";
  environment.client_secret = shared("env-secret");
  return environment;
}

struct Bench : IdentityBench {
  IdentityOptions options;
  IdentityEnvironment environment;
  std::shared_ptr<const SecretBytes> client_secret;

  explicit Bench(Kind kind = Kind::client_secret, IdentityEnvironment env = full_environment())
      : environment(std::move(env)) {
    options.kind = kind;
    files.path = "/env/token";
    files.text = "assertion";
    http.answers = {token_answer()};
  }
  TokenSource source() { return {options, environment, client_secret, ports}; }
  std::string token() {
    TokenSource tokens = source();
    return text_of(tokens);
  }
  static std::string text_of(TokenSource& tokens) {
    const auto token = tokens.token();
    return token ? std::string(reveal_text((*token)->text)) : show(token.error());
  }
};

/// The URL's end and the form, as far as they differ.
std::string essence(std::string text) {
  for (const std::string_view common :
       {"Content-Type: application/x-www-form-urlencoded\nAccept: application/json\n\n"sv,
        "grant_type=client_credentials&"sv, "&scope=https%3A%2F%2Fstorage.azure.com%2F.default"sv,
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"sv,
        "/oauth2/v2.0/token"sv, "\nMetadata: true\n\n"sv}) {
    if (const std::size_t found = text.find(common); found != text.npos) text.erase(found, common.size());
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(access_token_tests)

BOOST_AUTO_TEST_CASE(the_environment_fills_in_what_is_not_configured) {
  struct Row {
    const char* name;
    Kind kind;
    void (*configure)(Bench&);
    const char* sent;
  };
  const Row rows[] = {
      {"a secret of the environment", Kind::client_secret, [](Bench&) {},
       "POST https://login.microsoftonline.com/env-tenant\nclient_id=env-client&client_secret=env-secret"},
      {"a configured secret", Kind::client_secret, [](Bench& bench) { bench.client_secret = shared("own"); },
       "POST https://login.microsoftonline.com/env-tenant\nclient_id=env-client&client_secret=own"},
      {"a configured application", Kind::client_secret,
       [](Bench& bench) { bench.options.tenant_id = "own-tenant", bench.options.client_id = "own-client"; },
       "POST https://login.microsoftonline.com/own-tenant\nclient_id=own-client&client_secret=env-secret"},
      {"an authority of the environment", Kind::client_secret,
       [](Bench& bench) { bench.environment.authority_host = "https://env/"; },
       "POST https://env/env-tenant\nclient_id=env-client&client_secret=env-secret"},
      {"a configured authority", Kind::client_secret,
       [](Bench& bench) {
         bench.environment.authority_host = "https://env/";
         bench.options.authority_host = "https://own";
       },
       "POST https://own/env-tenant\nclient_id=env-client&client_secret=env-secret"},
      {"an assertion of the environment", Kind::workload_identity, [](Bench&) {},
       "POST https://login.microsoftonline.com/env-tenant\nclient_id=env-client&client_assertion=assertion"},
      {"a configured assertion", Kind::workload_identity,
       [](Bench& bench) { bench.options.token_file = bench.files.path = "/own/token"; },
       "POST https://login.microsoftonline.com/env-tenant\nclient_id=env-client&client_assertion=assertion"},
      {"a managed identity does not mind them", Kind::managed_identity, [](Bench&) {}, kImds.data()},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(row.kind);
      row.configure(bench);
      BOOST_TEST(bench.token() == "token");
      BOOST_TEST(essence(bench.sent()) == row.sent);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_missing_is_named) {
  struct Row {
    const char* name;
    Kind kind;
    void (*take_away)(IdentityEnvironment&);
    const char* result;
  };
  const Row rows[] = {
      {"no tenant", Kind::client_secret, [](IdentityEnvironment& e) { e.tenant_id.clear(); },
       "final: client secret: lacks a tenant id (AZURE_TENANT_ID)"},
      {"no client", Kind::client_secret, [](IdentityEnvironment& e) { e.client_id.clear(); },
       "final: client secret: lacks a client id (AZURE_CLIENT_ID)"},
      {"no secret", Kind::client_secret, [](IdentityEnvironment& e) { e.client_secret.reset(); },
       "final: client secret: lacks the secret (AZURE_CLIENT_SECRET)"},
      {"an empty secret", Kind::client_secret, [](IdentityEnvironment& e) { e.client_secret = shared(""); },
       "final: client secret: lacks the secret (AZURE_CLIENT_SECRET)"},
      {"nothing", Kind::client_secret, [](IdentityEnvironment& e) { e = {}; },
       "final: client secret: lacks a tenant id (AZURE_TENANT_ID), a client id (AZURE_CLIENT_ID), the secret "
       "(AZURE_CLIENT_SECRET)"},
      {"no token file", Kind::workload_identity,
       [](IdentityEnvironment& e) { e.federated_token_file.clear(); },
       "final: workload identity: lacks a token file (AZURE_FEDERATED_TOKEN_FILE)"},
      {"no application", Kind::workload_identity,
       [](IdentityEnvironment& e) { e.tenant_id.clear(), e.client_id.clear(); },
       "final: workload identity: lacks a tenant id (AZURE_TENANT_ID), a client id (AZURE_CLIENT_ID)"},
      {"a bad authority", Kind::workload_identity,
       [](IdentityEnvironment& e) { e.authority_host = "http://login.example.com"; },
       "final: the authority host is no https URL (http only at this machine itself)"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(row.kind);
      row.take_away(bench.environment);
      BOOST_TEST(bench.token() == row.result);
      BOOST_TEST(bench.http.calls.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_chain_takes_what_is_set_up_first) {
  const std::string imds(kImds);
  struct Row {
    const char* name;
    void (*change)(IdentityEnvironment&);
    std::string sent;
  };
  const char* const by_secret =
      "POST https://login.microsoftonline.com/env-tenant\nclient_id=env-client&client_secret=env-secret";
  const char* const by_assertion =
      "POST https://login.microsoftonline.com/env-tenant\nclient_id=env-client&client_assertion=assertion";
  const Row rows[] = {
      {"everything", [](IdentityEnvironment&) {}, by_secret},
      {"no token file", [](IdentityEnvironment& e) { e.federated_token_file.clear(); }, by_secret},
      {"no secret", [](IdentityEnvironment& e) { e.client_secret.reset(); }, by_assertion},
      {"an empty secret", [](IdentityEnvironment& e) { e.client_secret = shared(""); }, by_assertion},
      {"no secret, no token file",
       [](IdentityEnvironment& e) { e.client_secret.reset(), e.federated_token_file.clear(); },
       imds + "&client_id=env-client"},
      {"no tenant", [](IdentityEnvironment& e) { e.tenant_id.clear(); }, imds + "&client_id=env-client"},
      {"no client", [](IdentityEnvironment& e) { e.client_id.clear(); }, imds},
      {"nothing", [](IdentityEnvironment& e) { e = {}; }, imds},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(Kind::default_chain);
      row.change(bench.environment);
      BOOST_TEST(bench.token() == "token");
      BOOST_TEST(essence(bench.sent()) == row.sent);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_configured_id_comes_before_the_environments) {
  Bench bench(Kind::default_chain, {});
  bench.environment.client_id = "env-client";
  bench.options.id_kind = IdentityOptions::IdKind::object_id;
  bench.options.id = "own";
  BOOST_TEST(bench.token() == "token");
  BOOST_TEST(essence(bench.sent()) == std::string(kImds) + "&object_id=own");
}

BOOST_AUTO_TEST_CASE(on_arc_the_environments_client_id_chooses_nothing) {
  Bench bench(Kind::default_chain, {});
  bench.environment.client_id = "env-client";
  bench.environment.identity_endpoint = "http://localhost:40342/token";
  bench.environment.imds_endpoint = "http://localhost:40342";
  bench.files.path = "/var/opt/azcmagent/tokens/a.key";
  bench.http.answers = {
      http_answer(401, {{"www-authenticate", "Basic realm=/var/opt/azcmagent/tokens/a.key"}}),
      token_answer()};
  BOOST_TEST(bench.token() == "token");
}

BOOST_AUTO_TEST_CASE(the_chains_end_says_that_it_is_the_end) {
  struct Row {
    const char* name;
    FakeHttp::Outcome answer;
    const char* result;
  };
  const Row rows[] = {
      {"nobody there", failed(HttpFailure::unreachable),
       "later: no client secret and no workload identity is set up, and the machine's managed identity "
       "(IMDS) "
       "cannot be reached"},
      {"no answer", failed(HttpFailure::timed_out),
       "later: no client secret and no workload identity is set up, and the machine's managed identity "
       "(IMDS) did "
       "not answer in time"},
      {"no identity",
       http_answer(400, {}, R"({"error":"invalid_request","error_description":"Identity not found"})"),
       "final: no client secret and no workload identity is set up, and the machine's managed identity "
       "(IMDS) "
       "answered 400: invalid_request: Identity not found"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(Kind::default_chain, {});
      bench.http.answers = {row.answer};
      BOOST_TEST(bench.token() == row.result);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_chain_does_not_go_on_after_a_refusal) {
  Bench bench(Kind::default_chain);
  bench.http.answers = {http_answer(401), token_answer()};
  TokenSource tokens = bench.source();
  BOOST_TEST(bench.text_of(tokens) == "final: client secret: the token endpoint answered 401");
  BOOST_TEST(bench.text_of(tokens) == "token");
  BOOST_TEST(bench.http.calls[0].url == bench.http.calls[1].url);
}

BOOST_AUTO_TEST_CASE(a_token_serves_until_its_refresh_is_due) {
  struct Row {
    const char* name;
    const char* life;
    std::chrono::seconds refresh;
  };
  const Row rows[] = {{"a day", "86400", 12h},
                      {"two hours", "7200", 1h},
                      {"an hour", "3600", 55min},
                      {"minutes", "300", 150s}};
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.http.answers = {token_answer("first", row.life), token_answer("second", row.life)};
      TokenSource tokens = bench.source();
      BOOST_TEST(bench.text_of(tokens) == "first");
      bench.clock.time += row.refresh - 1s;
      BOOST_TEST(bench.text_of(tokens) == "first");
      BOOST_TEST(bench.http.calls.size() == 1U);
      bench.clock.time += 1s;
      BOOST_TEST(bench.text_of(tokens) == "second");
      BOOST_TEST(bench.text_of(tokens) == "second");
      BOOST_TEST(bench.http.calls.size() == 2U);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_old_token_serves_while_there_is_no_new_one) {
  Bench bench;
  bench.http.answers = {token_answer("first", "7200"), http_answer(401), http_answer(401), http_answer(401),
                        token_answer("second", "7200")};
  TokenSource tokens = bench.source();
  BOOST_TEST(bench.text_of(tokens) == "first");
  BOOST_TEST(!tokens.failure().has_value());
  bench.clock.time += 1h;
  BOOST_TEST(bench.text_of(tokens) == "first");
  BOOST_TEST(bench.http.calls.size() == 2U);
  BOOST_REQUIRE(tokens.failure().has_value());
  BOOST_TEST(show(*tokens.failure()) == "final: client secret: the token endpoint answered 401");
  // Not each time somebody asks.
  bench.clock.time += 59s;
  BOOST_TEST(bench.text_of(tokens) == "first");
  BOOST_TEST(bench.http.calls.size() == 2U);
  bench.clock.time += 1s;
  BOOST_TEST(bench.text_of(tokens) == "first");
  BOOST_TEST(bench.http.calls.size() == 3U);
  // Its last second, and then its end.
  bench.clock.time = at("2026-03-01T13:59:59Z");
  BOOST_TEST(bench.text_of(tokens) == "first");
  BOOST_TEST(bench.http.calls.size() == 4U);
  bench.clock.time += 1s;
  BOOST_TEST(bench.text_of(tokens) == "second");
  BOOST_TEST(!tokens.failure().has_value());
}

BOOST_AUTO_TEST_CASE(an_expired_token_is_not_given_out) {
  Bench bench;
  bench.http.answers = {token_answer("first", "60"), http_answer(401)};
  TokenSource tokens = bench.source();
  BOOST_TEST(bench.text_of(tokens) == "first");
  bench.clock.time += 60s;
  BOOST_TEST(bench.text_of(tokens) == "final: client secret: the token endpoint answered 401");
  BOOST_TEST(bench.text_of(tokens) == "final: client secret: the token endpoint answered 401");
  BOOST_TEST(bench.http.calls.size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_service_that_asks_for_patience_gets_it) {
  Bench bench;
  bench.http.answers = {token_answer("first", "7200"), http_answer(429, {{"retry-after", "600"}}),
                        token_answer("second", "7200")};
  TokenSource tokens = bench.source();
  BOOST_TEST(bench.text_of(tokens) == "first");
  bench.clock.time += 1h;
  BOOST_TEST(bench.text_of(tokens) == "first");
  bench.clock.time += 599s;
  BOOST_TEST(bench.text_of(tokens) == "first");
  bench.clock.time += 1s;
  BOOST_TEST(bench.text_of(tokens) == "second");
}

BOOST_AUTO_TEST_CASE(patience_ends_with_the_token) {
  Bench bench;
  bench.http.answers = {token_answer("first", "7200"), http_answer(429, {{"retry-after", "86400"}}),
                        token_answer("second", "7200")};
  TokenSource tokens = bench.source();
  BOOST_TEST(bench.text_of(tokens) == "first");
  bench.clock.time += 1h;
  BOOST_TEST(bench.text_of(tokens) == "first");
  bench.clock.time += 1h;
  BOOST_TEST(bench.text_of(tokens) == "second");
}

BOOST_AUTO_TEST_CASE(a_token_that_is_not_taken_is_forgotten) {
  Bench bench;
  bench.http.answers = {token_answer("first"), token_answer("second")};
  TokenSource tokens = bench.source();
  tokens.forget();
  BOOST_TEST(bench.text_of(tokens) == "first");
  tokens.forget();
  BOOST_TEST(bench.text_of(tokens) == "second");
}

BOOST_AUTO_TEST_CASE(the_secret_is_in_no_reason) {
  for (int status = 200; status <= 599; ++status) {
    Bench bench;
    const std::string echo =
        R"({"error":"envsecret","error_description":"env-secret","message":"env-secret"})";
    bench.http.answers = {http_answer(status, {{"www-authenticate", "env-secret"}}, echo)};
    const std::string result = bench.token();
    BOOST_TEST_CONTEXT(status << " " << result) {
      BOOST_TEST(result != "token");
      BOOST_TEST(result.find("env-secret") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
