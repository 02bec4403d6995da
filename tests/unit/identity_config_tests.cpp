#include "core/config_credential.hpp"
#include "tests/unit/config_faults.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Kind = IdentityOptions::Kind;
using IdKind = IdentityOptions::IdKind;

const std::string kGuid = "01234567-89ab-cdef-0123-456789ABCDEF";

/// A sound configuration but for `credential`, with more members for the account, the rule and the root.
std::string document(const std::string& credential, const std::string& account = "",
                     const std::string& rule = "", const std::string& root = "",
                     const std::string& endpoint = "https://acme.blob.core.windows.net") {
  return R"({"accounts":[{"name":"acme","endpoint":")" + endpoint + R"(","credential":)" + credential +
         account +
         R"(}],"rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"])" +
         rule + "}]" + root + "}";
}
/// `{"type":"<type>"<members>}`
std::string of_type(const std::string& type, const std::string& members = "") {
  return R"({"type":")" + type + "\"" + members + "}";
}
std::string managed(const std::string& members = "") {
  return document(of_type("managed_identity", members));
}
std::string workload(const std::string& members = "") {
  return document(of_type("workload_identity", members));
}
/// With tenant and client.
std::string client_secret(const std::string& members) {
  return document(of_type(
      "client_secret", R"(,"tenant_id":"contoso.onmicrosoft.com","client_id":")" + kGuid + "\"" + members));
}
std::string default_chain(const std::string& members = "") {
  return document(of_type("default", members));
}
std::string shared_key(const std::string& members = "") {
  return document(of_type("shared_key", R"(,"key_file":"k")" + members));
}
std::string with_keys(const std::string& keys) {
  return document(of_type("default"), "", "", R"(,"keys":)" + keys);
}

/// All that an identity can be: `kind id_kind id tenant client authority token_file secret ca_file lifetime`.
std::string show(const IdentityOptions& identity) {
  constexpr std::array kKinds{"managed_identity", "workload_identity", "client_secret", "default"};
  constexpr std::array kIdKinds{"system", "client_id", "object_id", "resource_id"};
  constexpr std::array kSources{"file:", "environment:", "credential:"};
  std::string text(kKinds.at(static_cast<std::size_t>(identity.kind)));
  text.append(" ").append(kIdKinds.at(static_cast<std::size_t>(identity.id_kind)));
  for (const std::string* part : {&identity.id, &identity.tenant_id, &identity.client_id,
                                  &identity.authority_host, &identity.token_file})
    text.append("|").append(*part);
  text.append("|");
  if (const auto& secret = identity.client_secret)
    text.append(kSources.at(static_cast<std::size_t>(secret->kind))).append(secret->name);
  return text + "|" + identity.ca_file + "|" + std::to_string(identity.key_lifetime.count());
}
std::string identity_in(const std::string& json) {
  const Config config = config_from(json);
  const auto& identity = config.accounts.at(0).identity;
  return identity ? show(*identity) : "none";
}

const std::string kGuidText = "must be an id such as 01234567-89ab-cdef-0123-456789abcdef";
const std::string kFileText = "must be a file name, absolute or relative to the configuration file";

}  // namespace

BOOST_AUTO_TEST_SUITE(identity_config_tests)

BOOST_AUTO_TEST_CASE(every_type_has_its_members) {
  struct Row {
    const char* name;
    std::string json;
    std::string identity;
  };
  const Row rows[] = {
      {"account keys are no identity", shared_key(), "none"},
      {"the machine's own", managed(),
       "managed_identity system|||||||"
       "|259200"},
      {"by client id", managed(R"(,"client_id":")" + kGuid + "\""),
       "managed_identity client_id|" + kGuid +
           "||||||"
           "|259200"},
      {"by object id", managed(R"(,"object_id":")" + kGuid + "\""),
       "managed_identity object_id|" + kGuid +
           "||||||"
           "|259200"},
      {"by resource id", managed(R"(,"resource_id":"/subscriptions/s/resourceGroups/g(1)/x._-")"),
       "managed_identity resource_id|/subscriptions/s/resourceGroups/g(1)/x._-||||||"
       "|259200"},
      {"a workload, all from the environment", workload(),
       "workload_identity system|||||||"
       "|259200"},
      {"a workload, all configured",
       workload(R"(,"tenant_id":"t","client_id":")" + kGuid +
                R"(","authority":"https://login.chinacloudapi.cn","token_file":"f","ca_file":"c")"),
       "workload_identity system||t|" + kGuid + "|https://login.chinacloudapi.cn|f||c|259200"},
      {"a secret in a file", client_secret(R"(,"secret_file":"s")"),
       "client_secret system||contoso.onmicrosoft.com|" + kGuid + "|||file:s||259200"},
      {"a secret in the environment", client_secret(R"(,"secret_env":"S_1")"),
       "client_secret system||contoso.onmicrosoft.com|" + kGuid + "|||environment:S_1||259200"},
      {"a secret that systemd loads",
       client_secret(R"(,"secret_credential":"s.1","authority":"http://127.0.0.1:1","ca_file":"c")"),
       "client_secret system||contoso.onmicrosoft.com|" + kGuid +
           "|http://127.0.0.1:1||credential:s.1|c|259200"},
      {"the default", default_chain(),
       "default system|||||||"
       "|259200"},
      {"the default, all configured", default_chain(R"(,"authority":"https://a.example","ca_file":"c")"),
       "default system||||https://a.example|||c|259200"},
      {"the shortest life", managed(R"(,"key_lifetime_seconds":600)"),
       "managed_identity system|||||||"
       "|600"},
      {"the longest life", workload(R"(,"key_lifetime_seconds":518400)"),
       "workload_identity system|||||||"
       "|518400"},
      {"a life with a secret", client_secret(R"(,"secret_file":"s","key_lifetime_seconds":3600)"),
       "client_secret system||contoso.onmicrosoft.com|" + kGuid + "|||file:s||3600"},
      {"a life with the default", default_chain(R"(,"key_lifetime_seconds":3600)"),
       "default system|||||||"
       "|3600"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name << ": " << row.json) {
      BOOST_TEST(identity_in(row.json) == row.identity);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_authority_may_be_this_machine_without_tls) {
  for (const char* host :
       {"https://login.microsoftonline.com", "https://login.microsoftonline.com/", "http://127.0.0.1",
        "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:1"}) {
    BOOST_TEST_CONTEXT(host) {
      const auto faults = faults_of(workload(R"(,"authority":")" + std::string(host) + "\""));
      BOOST_TEST(faults.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(faulty_credentials_are_refused) {
  const std::string credential = "accounts[0].credential.";
  const std::string authority =
      credential + "authority: must be a URL such as https://login.microsoftonline.com";
  const std::string another_id = ": cannot be combined with another id";
  check({
      {"two ids",
       managed(R"(,"client_id":")" + kGuid + R"(","object_id":")" + kGuid + "\""),
       {credential + "object_id" + another_id}},
      {"three ids",
       managed(R"(,"resource_id":"/subscriptions/s","client_id":")" + kGuid + R"(","object_id":")" + kGuid +
               "\""),
       {credential + "object_id" + another_id, credential + "resource_id" + another_id}},
      {"an id that is none", managed(R"(,"client_id":"me")"), {credential + "client_id: " + kGuidText}},
      {"an id in braces",
       managed(R"(,"client_id":"{)" + kGuid + "}\""),
       {credential + "client_id: " + kGuidText}},
      {"an object id that is none", managed(R"(,"object_id":"")"), {credential + "object_id: " + kGuidText}},
      {"an id that is a number", managed(R"(,"client_id":1)"), {credential + "client_id: " + kGuidText}},
      {"a resource id from elsewhere",
       managed(R"(,"resource_id":"subscriptions/s")"),
       {credential + "resource_id: must be a resource id such as /subscriptions/..."}},
      {"a resource id with a query",
       managed(R"(,"resource_id":"/subscriptions/s?a=b")"),
       {credential + "resource_id: must be a resource id such as /subscriptions/..."}},
      {"a tenant that would leave its segment",
       workload(R"(,"tenant_id":"a/b")"),
       {credential + "tenant_id: must be a tenant's id or domain"}},
      {"an empty tenant",
       workload(R"(,"tenant_id":"")"),
       {credential + "tenant_id: must be a tenant's id or domain"}},
      {"an empty token file", workload(R"(,"token_file":"")"), {credential + "token_file: " + kFileText}},
      {"an empty ca file", workload(R"(,"ca_file":"")"), {credential + "ca_file: " + kFileText}},
      {"an authority without TLS", workload(R"(,"authority":"http://login.example.com")"), {authority}},
      {"an authority that is a host", workload(R"(,"authority":"login.example.com")"), {authority}},
      {"an authority of another scheme", workload(R"(,"authority":"ftp://login.example.com")"), {authority}},
      {"an authority with a user", workload(R"(,"authority":"https://u@login.example.com")"), {authority}},
      {"an authority with a query", workload(R"(,"authority":"https://login.example.com?a")"), {authority}},
      {"an authority with a port that looks like this machine",
       workload(R"(,"authority":"http://127.0.0.1.example.com")"),
       {authority}},
      {"a short authority", workload(R"(,"authority":"https:/")"), {authority}},
      {"no secret",
       client_secret(""),
       {"accounts[0].credential: must have exactly one of secret_file, secret_env and secret_credential"}},
      {"two secrets",
       client_secret(R"(,"secret_file":"s","secret_env":"S")"),
       {"accounts[0].credential: must have exactly one of secret_file, secret_env and secret_credential"}},
      {"a secret within the file",
       client_secret(R"(,"secret_file":"s","secret":"x")"),
       {"accounts[0].credential.secret: is not a known key"}},
      {"a secret without its application",
       document(of_type("client_secret", R"(,"secret_file":"s")")),
       {credential + "client_id: is missing; client_secret needs it",
        credential + "tenant_id: is missing; client_secret needs it"}},
      {"a secret's variable",
       client_secret(R"(,"secret_env":"A B")"),
       {"accounts[0].credential.secret_env: must be the name of an environment variable"}},
      {"a secret's credential",
       client_secret(R"(,"secret_credential":"a/b")"),
       {"accounts[0].credential.secret_credential: must be the name of a systemd credential"}},
      {"a short life",
       managed(R"(,"key_lifetime_seconds":599)"),
       {credential + "key_lifetime_seconds: must be seconds, 600 to 518400"}},
      {"a long life",
       managed(R"(,"key_lifetime_seconds":518401)"),
       {credential + "key_lifetime_seconds: must be seconds, 600 to 518400"}},
      {"half a second",
       managed(R"(,"key_lifetime_seconds":700.5)"),
       {credential + "key_lifetime_seconds: must be seconds, 600 to 518400"}},
  });
}

BOOST_AUTO_TEST_CASE(members_of_another_type_are_refused) {
  struct Row {
    const char* type;
    std::string own;                  ///< what makes it sound
    std::vector<std::string> others;  ///< members that it does not have
  };
  const std::string guid = "\"" + kGuid + "\"";
  const std::map<std::string, std::string> values = {
      {"key_file", "\"k\""},
      {"key_env", "\"K\""},
      {"key_credential", "\"k\""},
      {"current", "{\"key_file\":\"k\"}"},
      {"next", "{\"key_file\":\"k\"}"},
      {"use", "\"current\""},
      {"client_id", guid},
      {"object_id", guid},
      {"resource_id", "\"/subscriptions/s\""},
      {"tenant_id", "\"t\""},
      {"authority", "\"https://a\""},
      {"token_file", "\"t\""},
      {"ca_file", "\"c\""},
      {"secret_file", "\"s\""},
      {"secret_env", "\"S\""},
      {"secret_credential", "\"s\""},
      {"key_lifetime_seconds", "600"},
  };
  const Row rows[] = {
      {"shared_key",
       R"(,"key_file":"k")",
       {"client_id", "object_id", "resource_id", "tenant_id", "authority", "token_file", "ca_file",
        "secret_file", "secret_env", "secret_credential", "key_lifetime_seconds"}},
      {"managed_identity",
       "",
       {"key_file", "key_env", "key_credential", "current", "next", "use", "tenant_id", "authority",
        "token_file", "ca_file", "secret_file", "secret_env", "secret_credential"}},
      {"workload_identity",
       "",
       {"key_file", "key_env", "key_credential", "current", "next", "use", "object_id", "resource_id",
        "secret_file", "secret_env", "secret_credential"}},
      {"client_secret",
       R"(,"secret_file":"s","tenant_id":"t","client_id":)" + guid,
       {"key_file", "key_env", "key_credential", "current", "next", "use", "object_id", "resource_id",
        "token_file"}},
      {"default",
       "",
       {"key_file", "key_env", "key_credential", "current", "next", "use", "client_id", "object_id",
        "resource_id", "tenant_id", "token_file", "secret_file", "secret_env", "secret_credential"}},
  };
  for (const Row& row : rows) {
    for (const std::string& other : row.others) {
      BOOST_TEST_CONTEXT(row.type << " with " << other) {
        const auto faults =
            faults_of(document(of_type(row.type, row.own + ",\"" + other + "\":" + values.at(other))));
        BOOST_REQUIRE_EQUAL(faults.size(), 1U);
        BOOST_TEST(faults[0] ==
                   "accounts[0].credential." + other + ": is not for type " + std::string(row.type));
      }
    }
  }
}

// Its bearer token is sent there.
BOOST_AUTO_TEST_CASE(an_identity_needs_an_endpoint_with_tls) {
  const std::string both = R"(,"sas":{"protocol":"https,http"})";
  for (const char* type : {"managed_identity", "workload_identity", "default"}) {
    check({
        {"http elsewhere",
         document(of_type(type), "", both, "", "http://files.example.com"),
         {"accounts[0].credential.type: can be " + std::string(type) + " with an https endpoint only"}},
        {"a name that begins like this machine's",
         document(of_type(type), "", both, "", "http://localhost.example.com"),
         {"accounts[0].credential.type: can be " + std::string(type) + " with an https endpoint only"}},
        {"http on this machine", document(of_type(type), "", both, "", "http://127.0.0.1:10000/acme"), {}},
        {"https", document(of_type(type), "", both), {}},
        {"an alias gets no token",
         document(of_type(type), R"(,"aliases":["http://cdn.example.com"])", both),
         {}},
    });
  }
  check({{"account keys do not mind",
          document(of_type("shared_key", R"(,"key_file":"k")"), "", both, "", "http://files.example.com"),
          {}}});
}

BOOST_AUTO_TEST_CASE(http_to_another_machine_is_in_the_clear) {
  struct Row {
    const char* url;
    bool in_the_clear;
  };
  constexpr Row kRows[] = {
      {"https://acme.blob.core.windows.net", false},
      {"http://127.0.0.1", false},
      {"http://127.0.0.1:10000/devstoreaccount1", false},
      {"http://localhost:10000", false},
      {"http://LOCALHOST", false},
      {"http://[::1]", false},
      {"http://[::1]:10000", false},
      {"http://acme.blob.core.windows.net", true},
      {"http://127.0.0.2", true},
      {"http://127.0.0.1.example.com", true},
      {"http://localhost.example.com:80", true},
      {"http://[::2]", true},
      {"http://[::1:2]:80", true},
      {"http://0.0.0.0", true},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.url) {
      const auto url = EndpointUrl::parse(row.url);
      BOOST_REQUIRE(url.has_value());
      BOOST_TEST(leaves_in_the_clear(*url) == row.in_the_clear);
    }
  }
}

BOOST_AUTO_TEST_CASE(requests_of_an_identity_are_not_signed_with_a_shared_key) {
  const std::string fault =
      "accounts[0].requests.authorization: can be shared_key with credential type shared_key only";
  const auto requests = [](const std::string& authorization) {
    return R"(,"requests":{"authorization":")" + authorization + "\"" +
           (authorization == "bearer" ? R"(,"token_file":"t")" : "") + "}";
  };
  std::vector<FaultRow> rows;
  for (const char* type : {"managed_identity", "workload_identity", "default"}) {
    rows.push_back({type, document(of_type(type), requests("shared_key")), {fault}});
    rows.push_back({type, document(of_type(type), requests("sas")), {}});
    rows.push_back({type, document(of_type(type), requests("bearer")), {}});
  }
  rows.push_back(
      {"account keys", document(of_type("shared_key", R"(,"key_file":"k")"), requests("shared_key")), {}});
  check(rows);
}

BOOST_AUTO_TEST_CASE(an_identity_signs_no_older_form_of_sas) {
  const std::string fault = "rules[0].account: has an identity, so sas.version must be 2020-12-06 or later";
  const auto version = [](const std::string& text) { return R"(,"sas":{"version":")" + text + "\"}"; };
  std::vector<FaultRow> rows;
  for (const std::string text : {"2018-11-09", "2020-02-10", "2020-10-02", "2020-12-05", "2020-12-06",
                                 "2023-11-03", "2025-07-05", "2026-10-06"}) {
    const bool is_old = text < "2020-12-06";
    rows.push_back({"an identity", document(of_type("default"), "", version(text)),
                    is_old ? std::vector{fault} : std::vector<std::string>{}});
    rows.push_back(
        {"account keys", document(of_type("shared_key", R"(,"key_file":"k")"), "", version(text)), {}});
  }
  check(rows);
}

BOOST_AUTO_TEST_CASE(certificates_to_trust_are_those_of_our_own_requests) {
  for (const char* type : {"managed_identity", "default"}) {
    const Config config = config_from(document(of_type(type), R"(,"ca_file":"azure.pem")"));
    BOOST_TEST(config.accounts[0].requests.ca_file == "azure.pem");
  }
  const Config config =
      config_from(document(of_type("shared_key", R"(,"key_file":"k")"), R"(,"ca_file":"a")"));
  BOOST_TEST(config.accounts[0].requests.ca_file == "a");
  BOOST_TEST(config_from(shared_key()).accounts[0].requests.ca_file == "");
  check(
      {{"empty", document(of_type("default"), R"(,"ca_file":"")"), {"accounts[0].ca_file: " + kFileText}},
       {"no text", document(of_type("default"), R"(,"ca_file":[])"), {"accounts[0].ca_file: " + kFileText}}});
}

BOOST_AUTO_TEST_CASE(keys_are_shared_below_run_by_default) {
  const KeyOptions usual = config_from(default_chain()).keys;
  BOOST_TEST(usual.directory == "/run/blobvalet/keys");
  BOOST_TEST((usual.max_clock_skew == 60s));
  const KeyOptions empty = config_from(with_keys("{}")).keys;
  BOOST_TEST(empty.directory == "/run/blobvalet/keys");
  const KeyOptions own = config_from(with_keys(R"({"directory":"d","max_clock_skew_seconds":900})")).keys;
  BOOST_TEST(own.directory == "d");
  BOOST_TEST((own.max_clock_skew == 900s));
  const KeyOptions strict = config_from(with_keys(R"({"max_clock_skew_seconds":1})")).keys;
  BOOST_TEST((strict.max_clock_skew == 1s));
}

BOOST_AUTO_TEST_CASE(faulty_key_options_are_refused) {
  const std::string skew = "keys.max_clock_skew_seconds: must be seconds, 1 to 900";
  const std::string directory =
      "keys.directory: must be a directory's name, absolute or relative to the configuration file";
  check({
      {"no object", with_keys("[]"), {"keys: must be an object"}},
      {"an unknown member", with_keys(R"({"dir":"d"})"), {"keys.dir: is not a known key"}},
      {"no directory", with_keys(R"({"directory":""})"), {directory}},
      {"a directory that is a number", with_keys(R"({"directory":1})"), {directory}},
      {"no skew at all", with_keys(R"({"max_clock_skew_seconds":0})"), {skew}},
      {"too much", with_keys(R"({"max_clock_skew_seconds":901})"), {skew}},
      {"negative", with_keys(R"({"max_clock_skew_seconds":-1})"), {skew}},
      {"a text", with_keys(R"({"max_clock_skew_seconds":"60"})"), {skew}},
      {"half a second", with_keys(R"({"max_clock_skew_seconds":1.5})"), {skew}},
  });
}

// Each account has what it says, and no part of another.
BOOST_AUTO_TEST_CASE(accounts_may_differ_in_their_credentials) {
  const Config config = config_from(
      R"({"accounts":[
        {"name":"aaa","endpoint":"https://aaa","credential":{"type":"shared_key","key_file":"k"}},
        {"name":"bbb","endpoint":"https://bbb","credential":{"type":"managed_identity"}},
        {"name":"ccc","endpoint":"https://ccc","credential":{"type":"default"},"ca_file":"c.pem"}],
        "rules":[{"name":"r","account":"aaa","container":"uploads","blobs":["**"],"methods":["PUT"]}]})");
  BOOST_TEST(!config.accounts[0].identity.has_value());
  BOOST_TEST(config.accounts[0].current_key.name == "k");
  BOOST_TEST((config.accounts[1].identity.value().kind == Kind::managed_identity));
  BOOST_TEST((config.accounts[1].identity.value().id_kind == IdKind::system));
  BOOST_TEST((config.accounts[2].identity.value().kind == Kind::default_chain));
  BOOST_TEST(config.accounts[1].requests.ca_file == "");
  BOOST_TEST(config.accounts[2].requests.ca_file == "c.pem");
}

BOOST_AUTO_TEST_SUITE_END()
