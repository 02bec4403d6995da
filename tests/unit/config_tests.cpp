#include <algorithm>
#include <vector>

#include "core/config.hpp"
#include "tests/unit/config_faults.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

const std::string kCredential = R"({"type":"shared_key","key_file":"k"})";
const std::string kAccount = R"({"name":"acme","endpoint":"https://acme","credential":)" + kCredential + "}";
const std::string kRule =
    R"({"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"]})";

std::string document(const std::string& accounts, const std::string& rules, const std::string& more = "") {
  return R"({"accounts":[)" + accounts + R"(],"rules":[)" + rules + "]" + (more.empty() ? "" : "," + more) +
         "}";
}

/// One sound account and rule, and `more` members beside them.
std::string with(const std::string& more) {
  return document(kAccount, kRule, more);
}
/// The sound rule with further members.
std::string with_rule(const std::string& more) {
  return document(kAccount, kRule.substr(0, kRule.size() - 1) + "," + more + "}");
}
/// The sound account with another credential.
std::string with_credential(const std::string& credential) {
  return document(R"({"name":"acme","endpoint":"https://acme","credential":)" + credential + "}", kRule);
}
/// A rule for the sound account, all of whose members are given.
std::string one_rule(const std::string& container, const std::string& blobs, const std::string& methods,
                     const std::string& more = "") {
  return document(kAccount, R"({"name":"r","account":"acme","container":)" + container + R"(,"blobs":)" +
                                blobs + R"(,"methods":)" + methods + more + "}");
}
std::string with_endpoint(const std::string& endpoint, const std::string& more = "") {
  return document(R"({"name":"acme","endpoint":)" + endpoint + R"(,"credential":)" + kCredential + more + "}",
                  kRule);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(config_tests)

BOOST_AUTO_TEST_CASE(the_least_configuration_has_the_defaults) {
  const Config config = config_from(with(""));
  BOOST_REQUIRE_EQUAL(config.accounts.size(), 1U);
  const Account& account = config.accounts[0];
  BOOST_TEST(account.name == "acme");
  BOOST_REQUIRE_EQUAL(account.endpoints.size(), 1U);
  BOOST_TEST(account.endpoints[0].url() == "https://acme");
  BOOST_TEST((account.current_key.kind == KeySource::Kind::file));
  BOOST_TEST(account.current_key.name == "k");
  BOOST_TEST(!account.next_key.has_value());
  BOOST_TEST(!account.use_next);
  BOOST_TEST((config.blob_names == BlobNames::raw));
  BOOST_TEST(config.success.limits.max_body_bytes == 65536U);
  BOOST_TEST(config.success.limits.max_fields == 256U);
  BOOST_TEST(config.success.limits.max_depth == 8U);
  BOOST_TEST(!config.success.accept_put);
  BOOST_TEST(config.server.threads == 16U);
  BOOST_TEST(config.server.access_log);
  BOOST_TEST(config.server.audit_log);

  BOOST_REQUIRE_EQUAL(config.rules.size(), 1U);
  const Rule& rule = config.rules[0];
  BOOST_TEST(rule.name == "r");
  BOOST_TEST(rule.account_index == 0U);
  BOOST_TEST(rule.container == "uploads");
  BOOST_TEST(rule.blobs.size() == 1U);
  BOOST_TEST(rule.put_permissions.text() == "cw");
  BOOST_TEST(rule.delete_permissions.text() == "");
  BOOST_TEST(!rule.anonymous);
  BOOST_TEST(!rule.allow_empty_segments);
  BOOST_TEST(!rule.bind_request);
  BOOST_TEST(rule.sas.version.view() == "2023-11-03");
  BOOST_TEST(rule.sas.put_lifetime.count() == 900);
  BOOST_TEST(rule.sas.delete_lifetime.count() == 300);
  BOOST_TEST(!rule.sas.start_backdate.has_value());
  BOOST_TEST(rule.sas.protocol == "https");
  BOOST_TEST(!rule.sas.bind_client_ip);
  BOOST_TEST(rule.sas.ip_range == "");
  BOOST_TEST(rule.sas.encryption_scope == "");
}

BOOST_AUTO_TEST_CASE(every_key_is_read) {
  const Config config = config_from(R"({
    "$schema": "https://example.com/blobvalet.schema.json",
    "accounts": [
      {"name": "acme", "endpoint": "https://acme.blob.core.windows.net/",
       "aliases": ["https://Files.Example.com/cdn"],
       "credential": {"type": "shared_key", "current": {"key_env": "A_KEY"},
        "next": {"key_credential": "acme.key-2"},
                      "use": "next"}},
      {"name": "dev", "endpoint": "http://127.0.0.1:10000/dev", "credential": {"type": "shared_key",
       "key_credential": "c"}}
    ],
    "sas": {"version": "2025-05-05", "put_lifetime_seconds": 60, "delete_lifetime_seconds": 30,
            "start_backdate_seconds": 0, "protocol": "https,http", "ip_range": "10.0.0.1",
            "encryption_scope": "scope-1"},
    "blob_names": "uri",
    "rules": [
      {"name": "inherits", "account": "dev", "container": "$web", "blobs": ["{user}/**", "x/*"],
       "methods": ["DELETE", "PUT"], "permissions": {"PUT": "tw", "DELETE": "xd"},
        "allow_empty_segments": true},
      {"name": "overrides", "account": "acme", "container": "uploads", "blobs": ["{tenant}/*"],
       "methods": ["DELETE"],
       "anonymous": true,
       "sas": {"version": "2021-12-02", "put_lifetime_seconds": 1, "delete_lifetime_seconds": 604800,
               "start_backdate_seconds": null, "protocol": "https", "ip_range": "10.0.0.1-10.0.0.9",
               "encryption_scope": "abc", "bind_client_ip": false}}
    ],
    "success": {"methods": ["PUT", "POST"], "max_body_bytes": 1024, "max_fields": 4, "max_depth": 1},
    "server": {"threads": 64, "access_log": false, "audit_log": false}
  })");
  BOOST_REQUIRE_EQUAL(config.accounts.size(), 2U);
  const Account& acme = config.accounts[0];
  BOOST_REQUIRE_EQUAL(acme.endpoints.size(), 2U);
  BOOST_TEST(acme.endpoints[0].url() == "https://acme.blob.core.windows.net");
  BOOST_TEST(acme.endpoints[1].url() == "https://files.example.com/cdn");
  BOOST_TEST((acme.current_key.kind == KeySource::Kind::environment));
  BOOST_TEST(acme.current_key.name == "A_KEY");
  BOOST_REQUIRE(acme.next_key.has_value());
  BOOST_TEST((acme.next_key->kind == KeySource::Kind::credential));
  BOOST_TEST(acme.next_key->name == "acme.key-2");
  BOOST_TEST(acme.use_next);
  BOOST_TEST((config.accounts[1].current_key.kind == KeySource::Kind::credential));
  BOOST_TEST((config.blob_names == BlobNames::uri));

  BOOST_REQUIRE_EQUAL(config.rules.size(), 2U);
  const Rule& inherits = config.rules[0];
  BOOST_TEST(inherits.account_index == 1U);
  BOOST_TEST(inherits.container == "$web");
  BOOST_TEST(inherits.blobs.size() == 2U);
  BOOST_TEST(inherits.put_permissions.text() == "wt");
  BOOST_TEST(inherits.delete_permissions.text() == "dx");
  BOOST_TEST(inherits.allow_empty_segments);
  BOOST_TEST(inherits.sas.version.view() == "2025-05-05");
  BOOST_TEST(inherits.sas.put_lifetime.count() == 60);
  BOOST_TEST(inherits.sas.delete_lifetime.count() == 30);
  BOOST_REQUIRE(inherits.sas.start_backdate.has_value());
  BOOST_TEST(inherits.sas.start_backdate->count() == 0);
  BOOST_TEST(inherits.sas.protocol == "https,http");
  BOOST_TEST(inherits.sas.ip_range == "10.0.0.1");
  BOOST_TEST(inherits.sas.encryption_scope == "scope-1");

  const Rule& overrides = config.rules[1];
  BOOST_TEST(overrides.account_index == 0U);
  BOOST_TEST(overrides.anonymous);
  BOOST_TEST(overrides.put_permissions.text() == "");
  BOOST_TEST(overrides.delete_permissions.text() == "d");
  BOOST_TEST(overrides.sas.version.view() == "2021-12-02");
  BOOST_TEST(overrides.sas.put_lifetime.count() == 1);
  BOOST_TEST(overrides.sas.delete_lifetime.count() == 604800);
  BOOST_TEST(!overrides.sas.start_backdate.has_value());
  BOOST_TEST(overrides.sas.protocol == "https");
  BOOST_TEST(overrides.sas.ip_range == "10.0.0.1-10.0.0.9");
  BOOST_TEST(overrides.sas.encryption_scope == "abc");

  BOOST_TEST(config.success.accept_put);
  BOOST_TEST(config.success.limits.max_body_bytes == 1024U);
  BOOST_TEST(config.success.limits.max_fields == 4U);
  BOOST_TEST(config.success.limits.max_depth == 1U);
  BOOST_TEST(config.server.threads == 64U);
  BOOST_TEST(!config.server.access_log);
  BOOST_TEST(!config.server.audit_log);
}

BOOST_AUTO_TEST_CASE(what_is_sound_has_no_faults) {
  check({
      {"bound to the client's address", with(R"("sas":{"bind_client_ip":true})"), {}},
      {"the widest range of addresses", with(R"("sas":{"ip_range":"0.0.0.0-255.255.255.255"})"), {}},
      {"the oldest version", with(R"("sas":{"version":"2018-11-09"})"), {}},
      {"the newest version", with(R"("sas":{"version":"2026-10-06"})"), {}},
      {"a user's pattern", one_rule(R"("uploads")", R"(["{user}/**"])", R"(["PUT"])"), {}},
      {"a tenant's pattern for nobody",
       one_rule(R"("uploads")", R"(["{tenant}/*"])", R"(["PUT"])", R"(,"anonymous":true)"),
       {}},
      {"create only", with_rule(R"("permissions":{"PUT":"c"})"), {}},
      {"two keys, the current in use",
       with_credential(R"({"type":"shared_key","current":{"key_file":"a"},"next":{"key_file":"b"}})"),
       {}},
      {"an http alias with its protocol",
       document(R"({"name":"acme","endpoint":"https://acme","aliases":["http://acme"],"credential":)" +
                    kCredential + "}",
                kRule, R"("sas":{"protocol":"https,http"})"),
       {}},
      {"empty objects", with(R"("sas":{},"success":{},"server":{})"), {}},
      {"white space and escapes", " \r\n\t" + with(R"("blob\u005fnames":"raw")") + "\n", {}},
  });
}

BOOST_AUTO_TEST_CASE(what_is_no_json_says_where) {
  check({
      {"nothing", "", {"line 1, column 1: The document is empty."}},
      {"only blanks", "\n  ", {"line 2, column 3: The document is empty."}},
      {"cut short", "{\n \"accounts\": [", {"line 2, column 15: Invalid value."}},
      {"a comma too many", "{\"a\": 1,}", {"line 1, column 9: Missing a name for object member."}},
      {"a comment", "// note\n{}", {"line 1, column 1: Invalid value."}},
      {"two documents",
       "{}{}",
       {"line 1, column 3: The document root must not be followed by other values."}},
      {"single quotes", "{'a': 1}", {"line 1, column 2: Missing a name for object member."}},
      {"no UTF-8", "{\"a\": \"\xff\"}", {"line 1, column 8: Invalid encoding in string."}},
      {"NaN", "{\"a\": NaN}", {"line 1, column 7: Invalid value."}},
  });
}

BOOST_AUTO_TEST_CASE(a_nul_does_not_hide_what_stands_behind_it) {
  check({{"more than a configuration", with("") + "\0{\"more\":1}"s, {"configuration: holds a NUL"}}});
}

BOOST_AUTO_TEST_CASE(what_is_no_configuration_is_refused) {
  constexpr const char* kWhole = "configuration: must be an object with accounts and rules";
  check({
      {"a list", "[]", {kWhole}},
      {"a text", "\"x\"", {kWhole}},
      {"null", "null", {kWhole}},
      {"an empty object",
       "{}",
       {"accounts: is missing; it must be a list of at least one storage account",
        "rules: is missing; it must be a list of at least one rule"}},
      {"empty lists",
       document("", ""),
       {"accounts: must be a list of at least one storage account",
        "rules: must be a list of at least one rule"}},
      {"lists that are objects",
       R"({"accounts":{},"rules":{}})",
       {"accounts: must be a list of at least one storage account",
        "rules: must be a list of at least one rule"}},
      {"an unknown key", with(R"("acounts":[])"), {"acounts: is not a known key"}},
      {"a longer key than any",
       with('"' + std::string(33, 'k') + R"(":1)"),
       {"(a key of 33 characters): is not a known key"}},
      {"as long a key as may be",
       with('"' + std::string(32, 'k') + R"(":1)"),
       {std::string(32, 'k') + ": is not a known key"}},
      {"a key with a line feed", with(R"("a\nb":1)"), {"a?b: is not a known key"}},
      {"a long key twice, within another",
       with(R"("x":{")" + std::string(40, 'k') + R"(":1,")" + std::string(40, 'k') + R"(":1})"),
       {"x.(a key of 40 characters): stands there twice", "x: is not a known key"}},
      {"a key in another case", with(R"("Server":{})"), {"Server: is not a known key"}},
      {"a key twice", with(R"("rules":[])"), {"rules: stands there twice"}},
      {"another kind of names", with(R"("blob_names":"url")"), {"blob_names: must be raw or uri"}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_accounts_are_refused) {
  constexpr const char* kName = "accounts[0].name: must be 3 to 24 of a-z and 0-9";
  constexpr const char* kUrl =
      "accounts[0].endpoint: must be http:// or https:// and a host, without user, query or fragment";
  constexpr const char* kOneSource =
      "accounts[0].credential: must have exactly one of key_file, key_env and key_credential";
  const auto named = [](const std::string& name) {
    return document(
        R"({"name":)" + name + R"(,"endpoint":"https://ab","credential":)" + kCredential + "}," + kAccount,
        kRule);
  };
  check({
      {"no object",
       document("1", kRule),
       {"accounts[0]: must be an object with name, endpoint and credential",
        "rules[0].account: is not the name of an account"}},
      {"empty",
       document("{}," + kAccount, kRule),
       {"accounts[0].credential: is missing; it must be an object with type, and what that type needs",
        "accounts[0].endpoint: is missing; it must be a URL such as https://name.blob.core.windows.net",
        "accounts[0].name: is missing; it must be 3 to 24 of a-z and 0-9"}},
      {"an unknown key",
       document(kAccount.substr(0, kAccount.size() - 1) + R"(,"key":"x"})", kRule),
       {"accounts[0].key: is not a known key"}},
      {"a name too short", named(R"("ab")"), {kName}},
      {"a name in capitals", named(R"("Acme")"), {kName}},
      {"a name with a line feed", named(R"("acme2\n")"), {kName}},
      {"a name that is a number", named(R"(1)"), {kName}},
      {"a name twice",
       document(kAccount + R"(,{"name":"acme","endpoint":"https://two","credential":)" + kCredential + "}",
                kRule),
       {"accounts[1].name: is the name of an earlier account"}},
      {"two accounts without a name",
       document(kAccount + R"(,{"endpoint":"https://one","credential":)" + kCredential +
                    R"(},{"endpoint":"https://two","credential":)" + kCredential + "}",
                kRule),
       {"accounts[1].name: is missing; it must be 3 to 24 of a-z and 0-9",
        "accounts[2].name: is missing; it must be 3 to 24 of a-z and 0-9"}},
      {"no URL", with_endpoint(R"("acme.blob.core.windows.net")"), {kUrl}},
      {"a user in the URL", with_endpoint(R"("https://key@acme")"), {kUrl}},
      {"a query in the URL", with_endpoint(R"("https://acme?sig=x")"), {kUrl}},
      {"another scheme", with_endpoint(R"("file:///etc/passwd")"), {kUrl}},
      {"a short text",
       with_endpoint(R"("https:/")"),
       {"accounts[0].endpoint: must be a URL such as https://name.blob.core.windows.net"}},
      {"an endpoint twice",
       document(kAccount + R"(,{"name":"two","endpoint":"HTTPS://ACME/","credential":)" + kCredential + "}",
                kRule),
       {"accounts[1].endpoint: is the endpoint of an account already"}},
      {"an alias that is the endpoint",
       with_endpoint(R"("https://acme")", R"(,"aliases":["https://acme"])"),
       {"accounts[0].aliases[0]: is the endpoint of an account already"}},
      {"a faulty alias",
       with_endpoint(R"("https://acme")", R"(,"aliases":["https://ok","https://a b"])"),
       {"accounts[0].aliases[1]: must be http:// or https:// and a host, without user, query or fragment"}},
      {"an alias that is no text",
       with_endpoint(R"("https://acme")", R"(,"aliases":[1])"),
       {"accounts[0].aliases[0]: must be a URL such as https://files.example.com"}},
      {"an http endpoint with https only",
       with_endpoint(R"("http://127.0.0.1:10000/acme")"),
       {"rules[0].account: has an http endpoint, so sas.protocol must be https,http"}},
      {"an http alias with https only",
       with_endpoint(R"("https://acme")", R"(,"aliases":["http://acme"])"),
       {"rules[0].account: has an http endpoint, so sas.protocol must be https,http"}},
      {"no credential type",
       with_credential(R"({"key_file":"k"})"),
       {"accounts[0].credential.type: is missing; it must be shared_key, managed_identity, "
        "workload_identity, "
        "client_secret or default"}},
      {"another credential type",
       with_credential(R"({"type":"sas","key_file":"k"})"),
       {"accounts[0].credential.type: must be shared_key, managed_identity, workload_identity, client_secret "
        "or "
        "default"}},
      {"a credential that is a text",
       with_credential(R"("k")"),
       {"accounts[0].credential: must be an object with type, and what that type needs"}},
      {"two sources", with_credential(R"({"type":"shared_key","key_file":"k","key_env":"K"})"), {kOneSource}},
      {"two sources of the next key",
       with_credential(
           R"({"type":"shared_key","current":{"key_file":"k"},"next":{"key_file":"k","key_env":"K"}})"),
       {"accounts[0].credential.next: must have exactly one of key_file, key_env and key_credential"}},
      {"an empty next key",
       with_credential(R"({"type":"shared_key","current":{"key_file":"k"},"next":{}})"),
       {"accounts[0].credential.next: must have exactly one of key_file, key_env and key_credential"}},
      {"a next key only",
       with_credential(R"({"type":"shared_key","next":{"key_file":"k"}})"),
       {"accounts[0].credential.current: must have exactly one of key_file, key_env and key_credential"}},
      {"both forms",
       with_credential(R"({"type":"shared_key","key_file":"k","next":{"key_file":"n"}})"),
       {"accounts[0].credential: must give the key directly or under current and next, not both"}},
      {"a next key in use that is not there",
       with_credential(R"({"type":"shared_key","key_file":"k","use":"next"})"),
       {"accounts[0].credential.use: is next, but there is no next key"}},
      {"another key in use",
       with_credential(R"({"type":"shared_key","key_file":"k","use":"old"})"),
       {"accounts[0].credential.use: must be current or next"}},
      {"an empty file name",
       with_credential(R"({"type":"shared_key","key_file":""})"),
       {"accounts[0].credential.key_file: must be a file name, absolute or relative to the configuration "
        "file"}},
      {"no variable's name",
       with_credential(R"({"type":"shared_key","key_env":"A-KEY"})"),
       {"accounts[0].credential.key_env: must be the name of an environment variable"}},
      {"a path as a credential's name",
       with_credential(R"({"type":"shared_key","key_credential":"../k"})"),
       {"accounts[0].credential.key_credential: must be the name of a systemd credential"}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_sas_options_are_refused) {
  constexpr const char* kIp = "sas.ip_range: must be an IPv4 address, or two joined by -";
  constexpr const char* kPut = "sas.put_lifetime_seconds: must be seconds, 1 to 604800";
  constexpr const char* kVersion = "sas.version: must be a date from 2018-11-09 to 2026-10-06";
  check({
      {"no object", with(R"("sas":[])"), {"sas: must be an object"}},
      {"an unknown key", with(R"("sas":{"lifetime":1})"), {"sas.lifetime: is not a known key"}},
      {"an unknown version", with(R"("sas":{"version":"2015-04-05"})"), {kVersion}},
      {"a version of the future", with(R"("sas":{"version":"2026-10-07"})"), {kVersion}},
      {"a version that is no date", with(R"("sas":{"version":"2023-02-30"})"), {kVersion}},
      {"a version in another form",
       with(R"("sas":{"version":"latest"})"),
       {"sas.version: must be a service version such as 2023-11-03"}},
      {"no lifetime", with(R"("sas":{"put_lifetime_seconds":0})"), {kPut}},
      {"a negative lifetime", with(R"("sas":{"put_lifetime_seconds":-1})"), {kPut}},
      {"more than a week", with(R"("sas":{"put_lifetime_seconds":604801})"), {kPut}},
      {"more than any integer", with(R"("sas":{"put_lifetime_seconds":99999999999999999999})"), {kPut}},
      {"a lifetime with a fraction", with(R"("sas":{"put_lifetime_seconds":60.5})"), {kPut}},
      {"a lifetime with a point", with(R"("sas":{"put_lifetime_seconds":60.0})"), {kPut}},
      {"a lifetime in quotes", with(R"("sas":{"put_lifetime_seconds":"60"})"), {kPut}},
      {"a lifetime of null",
       with(R"("sas":{"delete_lifetime_seconds":null})"),
       {"sas.delete_lifetime_seconds: must be seconds, 1 to 604800"}},
      {"a negative backdate",
       with(R"("sas":{"start_backdate_seconds":-1})"),
       {"sas.start_backdate_seconds: must be seconds, 0 to 86400, or null for no start time"}},
      {"a backdate in quotes",
       with(R"("sas":{"start_backdate_seconds":"900"})"),
       {"sas.start_backdate_seconds: must be seconds, 0 to 86400, or null for no start time"}},
      {"http only", with(R"("sas":{"protocol":"http"})"), {"sas.protocol: must be https or https,http"}},
      {"http first",
       with(R"("sas":{"protocol":"http,https"})"),
       {"sas.protocol: must be https or https,http"}},
      {"a text for true",
       with(R"("sas":{"bind_client_ip":"true"})"),
       {"sas.bind_client_ip: must be true or false"}},
      {"no address", with(R"("sas":{"ip_range":"localhost"})"), {kIp}},
      {"an empty address", with(R"("sas":{"ip_range":""})"), {kIp}},
      {"an IPv6 address", with(R"("sas":{"ip_range":"2001:db8::1"})"), {kIp}},
      {"a network", with(R"("sas":{"ip_range":"10.0.0.0/8"})"), {kIp}},
      {"three numbers", with(R"("sas":{"ip_range":"10.0.0"})"), {kIp}},
      {"five numbers", with(R"("sas":{"ip_range":"10.0.0.0.1"})"), {kIp}},
      {"a number too large", with(R"("sas":{"ip_range":"10.0.0.256"})"), {kIp}},
      {"a number too long", with(R"("sas":{"ip_range":"10.0.0.0001"})"), {kIp}},
      {"only dots", with(R"("sas":{"ip_range":"..."})"), {kIp}},
      {"half a range", with(R"("sas":{"ip_range":"10.0.0.1-"})"), {kIp}},
      {"a range of three", with(R"("sas":{"ip_range":"10.0.0.1-10.0.0.2-10.0.0.3"})"), {kIp}},
      {"a range with a faulty end", with(R"("sas":{"ip_range":"10.0.0.1-10.0.0"})"), {kIp}},
      {"a line feed behind an address", with(R"("sas":{"ip_range":"10.0.0.1\n"})"), {kIp}},
      {"both bounds of the address",
       with(R"("sas":{"ip_range":"10.0.0.1","bind_client_ip":true})"),
       {"sas.ip_range: cannot be combined with bind_client_ip"}},
      {"the rule's bound beside the default's",
       document(kAccount, kRule.substr(0, kRule.size() - 1) + R"(,"sas":{"bind_client_ip":true}})",
                R"("sas":{"ip_range":"10.0.0.1"})"),
       {"rules[0].sas.ip_range: cannot be combined with bind_client_ip"}},
      {"a scope too short",
       with(R"("sas":{"encryption_scope":"ab"})"),
       {"sas.encryption_scope: must be 3 to 63 letters, digits and -"}},
      {"a scope with a line feed",
       with(R"("sas":{"encryption_scope":"scope\n"})"),
       {"sas.encryption_scope: must be 3 to 63 letters, digits and -"}},
      {"a scope that the version does not know",
       with(R"("sas":{"encryption_scope":"abc","version":"2020-10-02"})"),
       {"sas.encryption_scope: needs version 2020-12-06 or later"}},
      {"the default's scope, the rule's version",
       document(kAccount, kRule.substr(0, kRule.size() - 1) + R"(,"sas":{"version":"2018-11-09"}})",
                R"("sas":{"encryption_scope":"abc"})"),
       {"rules[0].sas.encryption_scope: needs version 2020-12-06 or later"}},
      {"a rule's option",
       with_rule(R"("sas":{"protocol":"http"})"),
       {"rules[0].sas.protocol: must be https or https,http"}},
  });
}

BOOST_AUTO_TEST_CASE(binding_requests_needs_a_key_and_a_version_that_can) {
  const std::string new_version = R"(,"sas":{"version":"2026-04-06"})";
  const std::string old_version = "rules[0].sas.version: must be 2026-04-06 or later with bind_request";
  const std::string no_identity =
      "rules[0].bind_request: needs an account with an identity: no account key can bind requests";
  const auto with_identity = [](const std::string& more) {
    return document(R"({"name":"acme","endpoint":"https://acme","credential":{"type":"managed_identity"}})",
                    kRule.substr(0, kRule.size() - 1) + "," + more + "}");
  };
  check({
      {"off, with whatever there is", with_rule(R"("bind_request":false)"), {}},
      {"an identity", with_identity(R"("bind_request":true)" + new_version), {}},
      {"an identity and the version before",
       with_identity(R"("bind_request":true,"sas":{"version":"2026-04-05"})"),
       {old_version}},
      {"no text", with_rule(R"("bind_request":"true")"), {"rules[0].bind_request: must be true or false"}},
      {"an account key", with_rule(R"("bind_request":true)" + new_version), {no_identity}},
      {"the default version", with_rule(R"("bind_request":true)"), {no_identity, old_version}},
      {"the new version for all rules",
       document(kAccount, kRule.substr(0, kRule.size() - 1) + R"(,"bind_request":true})",
                R"("sas":{"version":"2026-10-06"})"),
       {no_identity}},
      {"a rule for deleting only",
       one_rule(R"("uploads")", R"(["**"])", R"(["DELETE"])", R"(,"bind_request":true)" + new_version),
       {"rules[0].bind_request: is for rules with PUT only"}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_rules_are_refused) {
  constexpr const char* kContainer =
      "rules[0].container: must be 3 to 63 of a-z, 0-9 and single -, or $root or $web";
  constexpr const char* kPut =
      "rules[0].permissions.PUT: must be letters of cwt, each once, with at least one of cw";
  constexpr const char* kDelete =
      "rules[0].permissions.DELETE: must be letters of dx, each once, with at least one of d";
  const std::string nameless = R"({"account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"]})";
  const auto blobs = [](const std::string& patterns) {
    return one_rule(R"("uploads")", patterns, R"(["PUT"])");
  };
  const auto methods = [](const std::string& list) { return one_rule(R"("uploads")", R"(["**"])", list); };
  const auto letters = [](const std::string& permissions) {
    return one_rule(R"("uploads")", R"(["**"])", R"(["PUT","DELETE"])", R"(,"permissions":)" + permissions);
  };
  check({
      {"no object",
       document(kAccount, "null"),
       {"rules[0]: must be an object with name, account, container, blobs and methods"}},
      {"empty",
       document(kAccount, "{}"),
       {"rules[0].account: is missing; it must be the name of one of accounts",
        "rules[0].blobs: is missing; it must be a list of at least one pattern",
        "rules[0].container: is missing; it must be a container's name",
        "rules[0].methods: is missing; it must be a list of PUT, DELETE or both",
        "rules[0].name: is missing; it must be 1 to 64 characters"}},
      {"an unknown key", with_rule(R"("anonymus":true)"), {"rules[0].anonymus: is not a known key"}},
      {"a key twice", with_rule(R"("name":"r")"), {"rules[0].name: stands there twice"}},
      {"a name twice",
       document(kAccount, kRule + "," + kRule),
       {"rules[1].name: is the name of an earlier rule"}},
      {"two rules without a name",
       document(kAccount, nameless + "," + nameless),
       {"rules[0].name: is missing; it must be 1 to 64 characters",
        "rules[1].name: is missing; it must be 1 to 64 characters"}},
      {"a name too long",
       document(kAccount,
                R"({"name":")" + std::string(65, 'r') +
                    R"(","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"]})"),
       {"rules[0].name: must be 1 to 64 characters"}},
      {"an account that is not there",
       document(kAccount,
                R"({"name":"r","account":"acne","container":"uploads","blobs":["**"],"methods":["PUT"]})"),
       {"rules[0].account: is not the name of an account"}},
      {"a container in capitals", one_rule(R"("Uploads")", R"(["**"])", R"(["PUT"])"), {kContainer}},
      {"any container", one_rule(R"("*")", R"(["**"])", R"(["PUT"])"), {kContainer}},
      {"the log container", one_rule(R"("$logs")", R"(["**"])", R"(["PUT"])"), {kContainer}},
      {"an empty container", one_rule(R"("")", R"(["**"])", R"(["PUT"])"), {kContainer}},
      {"a container that is a list",
       one_rule(R"(["uploads"])", R"(["**"])", R"(["PUT"])"),
       {"rules[0].container: must be a container's name"}},
      {"no patterns", blobs("[]"), {"rules[0].blobs: must be a list of at least one pattern"}},
      {"a pattern outside a list",
       blobs(R"("**")"),
       {"rules[0].blobs: must be a list of at least one pattern"}},
      {"an empty pattern", blobs(R"([""])"), {"rules[0].blobs[0]: must be a pattern such as {user}/**"}},
      {"a faulty second pattern",
       blobs(R"(["a","**/b"])"),
       {"rules[0].blobs[1]: ** may only stand once, at the end"}},
      {"a dot segment", blobs(R"(["../a"])"), {"rules[0].blobs[0]: has a segment . or .."}},
      {"a leading slash", blobs(R"(["/a"])"), {"rules[0].blobs[0]: has an empty segment"}},
      {"half a parameter",
       blobs(R"(["x-{user}/**"])"),
       {"rules[0].blobs[0]: {name} must be a whole segment, its name of a-z, 0-9 and _"}},
      {"a user's pattern for nobody",
       one_rule(R"("uploads")", R"(["a/*","{user}/**"])", R"(["PUT"])", R"(,"anonymous":true)"),
       {"rules[0].blobs[1]: has {user}, but the rule is anonymous"}},
      {"a pattern too long",
       blobs(R"([")" + std::string(1025, 'a') + R"("])"),
       {"rules[0].blobs[0]: must be a pattern such as {user}/**"}},
      {"no methods", methods("[]"), {"rules[0].methods: must be a list of PUT, DELETE or both"}},
      {"another method", methods(R"(["PUT","GET"])"), {"rules[0].methods[1]: must be PUT or DELETE"}},
      {"a method in lower case", methods(R"(["put"])"), {"rules[0].methods[0]: must be PUT or DELETE"}},
      {"a method twice",
       methods(R"(["PUT","PUT"])"),
       {"rules[0].methods: must not list the same thing twice"}},
      {"writing that may read", letters(R"({"PUT":"rcw"})"), {kPut}},
      {"writing that may delete", letters(R"({"PUT":"cwd"})"), {kPut}},
      {"writing that writes nothing", letters(R"({"PUT":"t"})"), {kPut}},
      {"a letter twice", letters(R"({"PUT":"cwc"})"), {kPut}},
      {"an unknown letter", letters(R"({"PUT":"cz"})"), {kPut}},
      {"deleting that may write", letters(R"({"DELETE":"dw"})"), {kDelete}},
      {"deleting that deletes nothing", letters(R"({"DELETE":"x"})"), {kDelete}},
      {"no letters", letters(R"({"PUT":""})"), {"rules[0].permissions.PUT: must be letters of c, w and t"}},
      {"letters for another method",
       letters(R"({"GET":"r"})"),
       {"rules[0].permissions.GET: is not a known key"}},
      {"letters for a method that is not allowed",
       with_rule(R"("permissions":{"DELETE":"d"})"),
       {"rules[0].permissions.DELETE: is not one of the rule's methods"}},
      {"a number for true", with_rule(R"("anonymous":1)"), {"rules[0].anonymous: must be true or false"}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_limits_are_refused) {
  constexpr const char* kBody = "success.max_body_bytes: must be bytes, 1024 to 131072";
  constexpr const char* kThreads = "server.threads: must be a number from 1 to 64";
  check({
      {"a body too small", with(R"("success":{"max_body_bytes":1023})"), {kBody}},
      {"a body too large", with(R"("success":{"max_body_bytes":131073})"), {kBody}},
      {"fewer fields than there must be",
       with(R"("success":{"max_fields":3})"),
       {"success.max_fields: must be a number from 4 to 4096"}},
      {"no depth",
       with(R"("success":{"max_depth":0})"),
       {"success.max_depth: must be a number from 1 to 64"}},
      {"no POST", with(R"("success":{"methods":["PUT"]})"), {"success.methods: must list POST"}},
      {"PATCH",
       with(R"("success":{"methods":["POST","PATCH"]})"),
       {"success.methods[1]: must be POST or PUT"}},
      {"no threads", with(R"("server":{"threads":0})"), {kThreads}},
      {"many threads", with(R"("server":{"threads":65})"), {kThreads}},
      {"threads in quotes", with(R"("server":{"threads":"2"})"), {kThreads}},
      {"an unknown key", with(R"("server":{"port":80})"), {"server.port: is not a known key"}},
      {"no object", with(R"("server":null)"), {"server: must be an object"}},
  });
}

BOOST_AUTO_TEST_CASE(all_faults_are_reported_at_once) {
  check(
      {{"one of each kind",
        R"({
            "accounts": [{"name": "Acme", "endpoint": "https://acme?x",
             "credential": {"type": "shared_key"}, "x": 1}],
            "sas": {"version": "2015-04-05", "ip_range": "1.2.3", "protocol": "ftp"},
            "blob_names": "x",
            "rules": [{"name": "r", "account": "acme", "container": "U", "blobs": ["**/a"],
             "methods": ["GET"],
                       "sas": {"put_lifetime_seconds": 0}}],
            "success": {"max_fields": 1, "max_fields": 2},
            "server": {"threads": 0}
          })",
        {"accounts[0].credential.current: must have exactly one of key_file, key_env and key_credential",
         "accounts[0].endpoint: must be http:// or https:// and a host, without user, query or fragment",
         "accounts[0].name: must be 3 to 24 of a-z and 0-9", "accounts[0].x: is not a known key",
         "blob_names: must be raw or uri", "rules[0].account: is not the name of an account",
         "rules[0].blobs[0]: ** may only stand once, at the end",
         "rules[0].container: must be 3 to 63 of a-z, 0-9 and single -, or $root or $web",
         "rules[0].methods[0]: must be PUT or DELETE",
         "rules[0].sas.put_lifetime_seconds: must be seconds, 1 to 604800",
         "sas.ip_range: must be an IPv4 address, or two joined by -",
         "sas.protocol: must be https or https,http",
         "sas.version: must be a date from 2018-11-09 to 2026-10-06",
         "server.threads: must be a number from 1 to 64",
         "success.max_fields: must be a number from 4 to 4096", "success.max_fields: stands there twice"}}});
}

BOOST_AUTO_TEST_CASE(a_document_that_would_exhaust_the_stack_is_refused) {
  constexpr const char* kTooDeep =
      "configuration: nests too deeply, or holds a text of more than 4,096 bytes";
  check({
      {"lists", repeated("[", 100000) + repeated("]", 100000), {kTooDeep}},
      {"objects", repeated(R"({"a":)", 100000) + "1" + repeated("}", 100000), {kTooDeep}},
      {"a long text", with(R"("sas":{"ip_range":")" + std::string(300000, '1') + R"("})"), {kTooDeep}},
      {"a long key", with("\"" + std::string(300000, 'k') + "\":1"), {kTooDeep}},
  });
}

// An operator may paste a key into any place; what is printed ends in journals and tickets.
BOOST_AUTO_TEST_CASE(a_secret_in_the_wrong_place_is_never_echoed) {
  const std::string key(kDevelopmentKey);
  const std::string quoted = "\"" + key + "\"";
  const std::string documents[] = {
      quoted,
      "{\"accounts\": " + quoted + ", \"rules\": " + quoted + "}",
      "{\"accounts\": [" + quoted + "], \"rules\": [" + quoted + "]}",
      "{\"accounts\": " + key,
      with(R"("sas":)" + quoted),
      with(R"("sas":{"version":)" + quoted + R"(,"ip_range":)" + quoted + R"(,"protocol":)" + quoted + "}"),
      with(R"("sas":{"encryption_scope":)" + quoted + R"(,"put_lifetime_seconds":)" + quoted + "}"),
      with(R"("blob_names":)" + quoted + R"(,"success":)" + quoted + R"(,"server":)" + quoted),
      with(R"("key":)" + quoted),
      with_endpoint(quoted),
      with_endpoint(R"("https://acme?sig=)" + key + "\""),
      with_endpoint(R"("https://acme")", R"(,"aliases":[)" + quoted + "]"),
      with_credential(quoted),
      with_credential(R"({"type":)" + quoted + "}"),
      with_credential(R"({"type":"shared_key","key":)" + quoted + "}"),
      with_credential(R"({"type":"shared_key","key_env":)" + quoted + "}"),
      with_credential(R"({"type":"shared_key","key_credential":)" + quoted + R"(,"use":)" + quoted + "}"),
      with_credential(R"({"type":"shared_key","current":)" + quoted + R"(,"next":)" + quoted + "}"),
      one_rule(quoted, "[" + quoted + "," + quoted + "]", "[" + quoted + "," + quoted + "]"),
      with_rule(R"("permissions":{"PUT":)" + quoted + R"(,"DELETE":)" + quoted + "}"),
  };
  for (const std::string& json : documents) {
    BOOST_TEST_CONTEXT(json) {
      const auto faults = faults_of(json);
      BOOST_TEST(!faults.empty());
      for (const std::string& fault : faults) {
        // Not even a piece of it.
        for (std::size_t i = 0; i + 8 <= key.size(); ++i)
          BOOST_TEST(fault.find(key.substr(i, 8)) == std::string::npos);
      }
    }
  }
}

// Each fault is one line of `blobvalet check`.
BOOST_AUTO_TEST_CASE(a_fault_is_one_line) {
  const std::string keys[] = {R"("a\nb":1)", R"("a\u001b[2Jb":1)", R"("a\u0000b":1)", R"("sas":{"a\r\nb":1})",
                              R"("x\n":1,"x\n":2)"};
  for (const std::string& key : keys) {
    BOOST_TEST_CONTEXT(key) {
      const auto faults = faults_of(with(key));
      BOOST_TEST(!faults.empty());
      for (const std::string& fault : faults) {
        const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
        BOOST_TEST(std::ranges::none_of(fault, is_control), fault);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
