#include <vector>

#include "core/config.hpp"
#include "tests/unit/config_faults.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// A sound configuration with members for the account, the rule and `success`.
std::string document(const std::string& account, const std::string& rule, const std::string& success) {
  return R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"shared_key","key_file":"k"})" +
         account +
         R"(}],"rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"])" +
         rule + R"(}],"success":{)" + success + "}}";
}
std::string with_requests(const std::string& requests) {
  return document(R"(,"requests":)" + requests, "", "");
}
std::string with_verify(const std::string& members) {
  return document("", "", R"("verify":{)" + members + "}");
}
std::string with_rule(const std::string& members, const std::string& success = "") {
  return document("", "," + members, success);
}
std::string with_thumbnail(const std::string& thumbnail) {
  return document("", "", R"("thumbnail":)" + thumbnail);
}
std::string with_hook(const std::string& members) {
  return document(
      "", "",
      R"("hook":{"url":"https://app","secret_file":"s")" + (members.empty() ? "" : "," + members) + "}");
}
std::string with_store(const std::string& store) {
  return with_hook(R"("mode":"async","store":)" + store);
}

/// Each value of one key is refused with the same words.
void check_values(const std::string& before, const std::vector<std::string>& values, const std::string& after,
                  const std::string& fault) {
  for (const std::string& value : values) {
    BOOST_TEST_CONTEXT(before << value) {
      const auto faults = faults_of(before + value + after);
      BOOST_REQUIRE(!faults.empty());
      BOOST_TEST(faults.front() == fault);
      BOOST_TEST(faults.size() == 1U);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(success_config_tests)

BOOST_AUTO_TEST_CASE(callbacks_are_checked_by_default) {
  const Config config = config_from(document("", "", ""));
  BOOST_TEST(!config.success.hook.has_value());
  BOOST_TEST((config.accounts[0].requests.kind == RequestAuthorization::Kind::sas));
  BOOST_TEST(config.accounts[0].requests.token_file == "");
  const VerifyOptions& verify = config.rules[0].verify;
  BOOST_TEST(verify.enabled);
  BOOST_TEST((verify.deadline == 3000ms));
  BOOST_TEST((verify.connect_timeout == 1000ms));
  BOOST_TEST((verify.on_azure_failure == OnFailure::refuse));
  BOOST_TEST((verify.on_violation == OnViolation::keep));
  BOOST_TEST(verify.min_bytes == 0U);
  BOOST_TEST(!verify.max_bytes.has_value());
  BOOST_TEST(verify.content_types.empty());
  BOOST_TEST(verify.extensions.empty());
  BOOST_TEST(!verify.magic);
  BOOST_TEST(!verify.require_filename);
  BOOST_TEST(verify.size_parameter == "");
  BOOST_TEST(!verify.answer_properties);
  BOOST_TEST((config.rules[0].thumbnail.kind == ThumbnailOptions::Kind::none));
}

BOOST_AUTO_TEST_CASE(the_least_hook_has_the_defaults) {
  const Config config = config_from(with_hook(""));
  BOOST_REQUIRE(config.success.hook.has_value());
  const HookOptions& hook = *config.success.hook;
  BOOST_TEST(hook.url == "https://app");
  BOOST_TEST(hook.unix_socket == "");
  BOOST_TEST(hook.ca_file == "");
  BOOST_TEST((hook.mode == HookOptions::Mode::sync));
  BOOST_REQUIRE(hook.secret.has_value());
  BOOST_TEST((hook.secret->kind == KeySource::Kind::file));
  BOOST_TEST(hook.secret->name == "s");
  BOOST_TEST((hook.timeout == 3000ms));
  BOOST_TEST((hook.connect_timeout == 1000ms));
  BOOST_TEST(hook.retries == 1U);
  BOOST_TEST(hook.forward_headers.empty());
  BOOST_TEST((hook.on_failure == OnFailure::refuse));
  BOOST_TEST(!hook.delete_granted);
  BOOST_TEST(hook.max_attempts == 20U);
  BOOST_TEST(hook.parallel_deliveries == 4U);
  BOOST_TEST((hook.store == EventStoreOptions{}));
  BOOST_TEST((hook.store.kind == EventStoreOptions::Kind::sqlite));
  BOOST_TEST(hook.store.file == "/var/lib/blobvalet/events.db");
}

BOOST_AUTO_TEST_CASE(every_key_of_verify_is_read_and_overridden) {
  const std::string first =
      R"("enabled":true,"deadline_ms":60000,"connect_timeout_ms":50,"on_azure_failure":"accept",)"
      R"("on_violation":"delete","min_bytes":1,"max_bytes":9223372036854775807,"content_types":["Image/*","a/b"],)"
      R"("extensions":["JPG","tar"],"magic":true,"require_filename":true,"size_parameter":"size","answer_properties":true)";
  const Config general = config_from(with_verify(first));
  const VerifyOptions& verify = general.rules[0].verify;
  BOOST_TEST(verify.enabled);
  BOOST_TEST((verify.deadline == 60000ms));
  BOOST_TEST((verify.connect_timeout == 50ms));
  BOOST_TEST((verify.on_azure_failure == OnFailure::accept));
  BOOST_TEST((verify.on_violation == OnViolation::remove));
  BOOST_TEST(verify.min_bytes == 1U);
  BOOST_TEST(verify.max_bytes.value() == 9223372036854775807U);
  BOOST_TEST((verify.content_types == std::vector{"image/*"s, "a/b"s}));
  BOOST_TEST((verify.extensions == std::vector{"jpg"s, "tar"s}));
  BOOST_TEST(verify.magic);
  BOOST_TEST(verify.require_filename);
  BOOST_TEST(verify.size_parameter == "size");
  BOOST_TEST(verify.answer_properties);

  const Config special = config_from(with_rule(
      R"("verify":{"enabled":false,"deadline_ms":100,"connect_timeout_ms":60,"on_azure_failure":"refuse",)"
      R"("on_violation":"tag","min_bytes":0,"max_bytes":null,"content_types":[],"extensions":[],"magic":false,)"
      R"("require_filename":false,"size_parameter":"","answer_properties":false})",
      R"("verify":{)" + first + "}"));
  const VerifyOptions& rule = special.rules[0].verify;
  BOOST_TEST(!rule.enabled);
  BOOST_TEST((rule.deadline == 100ms));
  BOOST_TEST((rule.connect_timeout == 60ms));
  BOOST_TEST((rule.on_azure_failure == OnFailure::refuse));
  BOOST_TEST((rule.on_violation == OnViolation::tag));
  BOOST_TEST(rule.min_bytes == 0U);
  BOOST_TEST(!rule.max_bytes.has_value());
  BOOST_TEST(rule.content_types.empty());
  BOOST_TEST(rule.extensions.empty());
  BOOST_TEST(!rule.magic);
  BOOST_TEST(!rule.require_filename);
  BOOST_TEST(rule.size_parameter == "");
  BOOST_TEST(!rule.answer_properties);
}

BOOST_AUTO_TEST_CASE(a_thumbnail_is_taken_whole) {
  using Kind = ThumbnailOptions::Kind;
  const Config config = config_from(with_thumbnail(R"({"type":"read_sas","lifetime_seconds":604800})"));
  BOOST_TEST((config.rules[0].thumbnail.kind == Kind::read_sas));
  BOOST_TEST((config.rules[0].thumbnail.lifetime == 604800s));
  const std::string general = R"("thumbnail":{"type":"read_sas","lifetime_seconds":60})";
  const Config other =
      config_from(with_rule(R"("thumbnail":{"type":"template","url":"/t/{blob}?{uuid}"})", general));
  BOOST_TEST((other.rules[0].thumbnail.kind == Kind::url_template));
  BOOST_TEST(other.rules[0].thumbnail.url == "/t/{blob}?{uuid}");
  const Config none = config_from(with_rule(R"("thumbnail":{"type":"none"})", general));
  BOOST_TEST((none.rules[0].thumbnail.kind == Kind::none));
  const Config again = config_from(with_rule(R"("thumbnail":{"type":"read_sas"})", general));
  BOOST_TEST((again.rules[0].thumbnail.lifetime == 3600s));
}

BOOST_AUTO_TEST_CASE(every_key_of_the_hook_is_read) {
  const Config sync = config_from(document(
      "", "",
      R"("hook":{"url":"http://app/x?y","unix_socket":"/run/app.sock","ca_file":"ca.pem","mode":"sync",)"
      R"("secret_env":"S","timeout_ms":100,"connect_timeout_ms":50,"retries":5,)"
      R"("forward_headers":["Cookie","X-Request-Id"],"on_failure":"accept","delete_granted":true})"));
  const HookOptions& hook = sync.success.hook.value();
  BOOST_TEST(hook.url == "http://app/x?y");
  BOOST_TEST(hook.unix_socket == "/run/app.sock");
  BOOST_TEST(hook.ca_file == "ca.pem");
  BOOST_TEST((hook.secret->kind == KeySource::Kind::environment));
  BOOST_TEST(hook.secret->name == "S");
  BOOST_TEST((hook.timeout == 100ms));
  BOOST_TEST((hook.connect_timeout == 50ms));
  BOOST_TEST(hook.retries == 5U);
  BOOST_TEST((hook.forward_headers == std::vector{"cookie"s, "x-request-id"s}));
  BOOST_TEST((hook.on_failure == OnFailure::accept));
  BOOST_TEST(hook.delete_granted);

  const Config async = config_from(
      document("", "",
               R"("hook":{"url":"https://app","secret_credential":"hook","mode":"async","max_attempts":1000,)"
               R"("parallel_deliveries":32,"store":{"type":"sqlite","file":"e.db"}})"));
  const HookOptions& later = async.success.hook.value();
  BOOST_TEST((later.mode == HookOptions::Mode::async));
  BOOST_TEST((later.secret->kind == KeySource::Kind::credential));
  BOOST_TEST(later.max_attempts == 1000U);
  BOOST_TEST(later.parallel_deliveries == 32U);
  BOOST_TEST(later.store.file == "e.db");
}

BOOST_AUTO_TEST_CASE(a_store_may_be_redis) {
  const auto store_of = [](const std::string& json) {
    return config_from(with_store(json)).success.hook->store;
  };
  EventStoreOptions expected;
  expected.kind = EventStoreOptions::Kind::redis;
  BOOST_TEST((store_of(R"({"type":"redis"})") == expected));
  expected.host = "redis.example.com";
  expected.port = 6380;
  expected.password_file = "p";
  expected.prefix = "site-1";
  BOOST_TEST((
      store_of(
          R"({"type":"redis","host":"redis.example.com","port":6380,"password_file":"p","prefix":"site-1"})") ==
      expected));
  BOOST_TEST(store_of(R"({"type":"redis","unix_socket":"/run/redis.sock"})").host == "/run/redis.sock");
}

BOOST_AUTO_TEST_CASE(requests_may_be_authorized_otherwise) {
  const auto requests = [](const std::string& json) {
    return config_from(with_requests(json)).accounts[0].requests;
  };
  BOOST_TEST((requests(R"({"authorization":"sas"})").kind == RequestAuthorization::Kind::sas));
  BOOST_TEST((requests(R"({"authorization":"shared_key"})").kind == RequestAuthorization::Kind::shared_key));
  const auto bearer = requests(R"({"authorization":"bearer","token_file":"t"})");
  BOOST_TEST((bearer.kind == RequestAuthorization::Kind::bearer));
  BOOST_TEST(bearer.token_file == "t");
}

BOOST_AUTO_TEST_CASE(a_token_never_leaves_the_machine_in_the_clear) {
  const auto with_endpoint = [](const std::string& endpoint) {
    std::string json = with_requests(R"({"authorization":"bearer","token_file":"t"})");
    json.replace(json.find("https://acme"), std::string_view("https://acme").size(), endpoint);
    return json.insert(json.size() - 1, R"(,"sas":{"protocol":"https,http"})");
  };
  constexpr const char* kFault =
      "accounts[0].requests.authorization: can be bearer with an https endpoint only";
  check({
      {"https", with_endpoint("https://acme.example"), {}},
      {"this machine", with_endpoint("http://127.0.0.1:10000/acme"), {}},
      {"this machine by its name", with_endpoint("http://localhost:10000/acme"), {}},
      {"this machine by IPv6", with_endpoint("http://[::1]:10000/acme"), {}},
      {"another machine", with_endpoint("http://acme.example"), {kFault}},
      {"another one with a port", with_endpoint("http://10.0.0.1:10000/acme"), {kFault}},
      {"a name like this machine's", with_endpoint("http://localhost.example"), {kFault}},
      {"an address like this machine's", with_endpoint("http://127.0.0.1.example:80"), {kFault}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_requests_are_refused) {
  constexpr const char* kToken =
      "accounts[0].requests.token_file: must be there with authorization bearer, and only then";
  check({
      {"no authorization",
       with_requests("{}"),
       {"accounts[0].requests.authorization: is missing; it must be sas, shared_key or bearer"}},
      {"an unknown one",
       with_requests(R"({"authorization":"basic"})"),
       {"accounts[0].requests.authorization: must be sas, shared_key or bearer"}},
      {"bearer without a token", with_requests(R"({"authorization":"bearer"})"), {kToken}},
      {"a token without bearer", with_requests(R"({"authorization":"sas","token_file":"t"})"), {kToken}},
      {"a token with Shared Key",
       with_requests(R"({"authorization":"shared_key","token_file":"t"})"),
       {kToken}},
      {"no object",
       with_requests(R"("bearer")"),
       {"accounts[0].requests: must be an object with authorization"}},
      {"an unknown key",
       with_requests(R"({"authorization":"sas","token":"t"})"),
       {"accounts[0].requests.token: is not a known key"}},
      {"an empty token file",
       with_requests(R"({"authorization":"bearer","token_file":""})"),
       {"accounts[0].requests.token_file: must be a file name, absolute or relative to the configuration "
        "file"}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_verify_options_are_refused) {
  struct Key {
    const char* name;
    std::vector<std::string> values;
    const char* must;
  };
  const Key keys[] = {
      {"enabled", {"1", "\"true\"", "null"}, "must be true or false"},
      {"deadline_ms", {"99", "60001", "-1", "\"3000\"", "null"}, "must be milliseconds, 100 to 60000"},
      {"connect_timeout_ms", {"49", "60001", "0", "true"}, "must be milliseconds, 50 to 60000"},
      {"on_azure_failure", {"\"keep\"", "\"Accept\"", "true"}, "must be refuse or accept"},
      {"on_violation", {"\"remove\"", "\"\"", "null"}, "must be keep, delete or tag"},
      {"min_bytes", {"-1", "null", "\"1\"", "1.5"}, "must be bytes, 0 or more"},
      {"max_bytes",
       {"-1", "\"1\"", "1.5", "18446744073709551616", "1e30"},
       "must be bytes, 0 or more, or null for no limit"},
      {"content_types", {"\"image/*\"", "{}", "null"}, "must be a list of media types"},
      {"extensions", {"\"jpg\"", "{}"}, "must be a list of file name extensions"},
      {"magic", {"\"yes\"", "0"}, "must be true or false"},
      {"require_filename", {"\"yes\"", "0"}, "must be true or false"},
      {"size_parameter",
       {"1", "null", "\"" + std::string(129, 's') + "\""},
       "must be the name of a parameter of the page"},
      {"answer_properties", {"\"yes\"", "0"}, "must be true or false"},
  };
  for (const Key& key : keys) {
    const std::string name = "\"" + std::string(key.name) + "\":";
    check_values(with_verify(name).substr(0, with_verify(name).size() - 3), key.values, "}}}",
                 "success.verify."s + key.name + ": " + key.must);
    check_values(
        R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"shared_key",)"
        R"("key_file":"k"}}],"rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],)"
        R"("methods":["PUT"],"verify":{)" +
            name,
        key.values, "}}]}", "rules[0].verify."s + key.name + ": " + key.must);
  }
  constexpr const char* kType =
      "success.verify.content_types[0]: must be a media type such as image/png or image/*";
  for (const char* type :
       {"image", "image/", "/png", "*/png", "*/*", "image/*png", "image/png; x", " image/png", ""})
    check({{"a type", with_verify(R"("content_types":[")"s + type + "\"]"), {kType}}});
  constexpr const char* kExtension =
      "success.verify.extensions[0]: must be an extension without the dot, such as jpg";
  for (const char* extension : {"", ".jpg", "tar.gz", "a/b", "a\\\\b"})
    check({{"an extension", with_verify(R"("extensions":[")"s + extension + "\"]"), {kExtension}}});
  check({
      {"an unknown key", with_verify(R"("max_size":1)"), {"success.verify.max_size: is not a known key"}},
      {"no object", document("", "", R"("verify":true)"), {"success.verify: must be an object"}},
      {"the most is less than the least",
       with_verify(R"("min_bytes":2,"max_bytes":1)"),
       {"success.verify.max_bytes: is less than min_bytes"}},
      {"the most is less than the least, in a rule",
       with_rule(R"("verify":{"min_bytes":2,"max_bytes":1})"),
       {"rules[0].verify.max_bytes: is less than min_bytes"}},
      {"the rule's most is less than the general least",
       with_rule(R"("verify":{"max_bytes":1})", R"("verify":{"min_bytes":2})"),
       {"rules[0].verify.max_bytes: is less than min_bytes"}},
      {"tags in an old version",
       with_rule(R"("sas":{"version":"2019-07-07"},"verify":{"on_violation":"tag"})"),
       {"rules[0].verify.on_violation: can be tag from sas.version 2019-12-12 on"}},
      {"tags in the version that began them",
       with_rule(R"("sas":{"version":"2019-12-12"},"verify":{"on_violation":"tag"})"),
       {}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_thumbnails_are_refused) {
  constexpr const char* kUrl = "success.thumbnail.url: must be there with type template, and only then";
  constexpr const char* kUrlText =
      "success.thumbnail.url: must be a URL such as https://cdn.example.com/{blob}";
  constexpr const char* kBraces =
      "success.thumbnail.url: may hold {account}, {container}, {blob} and {uuid}, and no other brace";
  constexpr const char* kLifetime = "success.thumbnail.lifetime_seconds: must be seconds, 1 to 604800";
  const auto url = [](const std::string& text) {
    return with_thumbnail(R"({"type":"template","url":")" + text + "\"}");
  };
  check({
      {"no type",
       with_thumbnail("{}"),
       {"success.thumbnail.type: is missing; it must be none, read_sas or template"}},
      {"an unknown type",
       with_thumbnail(R"({"type":"sas"})"),
       {"success.thumbnail.type: must be none, read_sas or template"}},
      {"no object", with_thumbnail("true"), {"success.thumbnail: must be an object with type"}},
      {"an unknown key",
       with_thumbnail(R"({"type":"none","size":1})"),
       {"success.thumbnail.size: is not a known key"}},
      {"a template without a URL", with_thumbnail(R"({"type":"template"})"), {kUrl}},
      {"a URL without a template", with_thumbnail(R"({"type":"read_sas","url":"/x"})"), {kUrl}},
      {"a lifetime of a template",
       with_thumbnail(R"({"type":"template","url":"/x","lifetime_seconds":1})"),
       {"success.thumbnail.lifetime_seconds: is for type read_sas only"}},
      {"no lifetime", with_thumbnail(R"({"type":"read_sas","lifetime_seconds":0})"), {kLifetime}},
      {"more than a week", with_thumbnail(R"({"type":"read_sas","lifetime_seconds":604801})"), {kLifetime}},
      {"a script", url("javascript:alert(1)"), {kUrlText}},
      {"data", url("data:text/html,x"), {kUrlText}},
      {"relative", url("thumbs/{blob}"), {kUrlText}},
      {"a blank", url("/a b"), {kUrlText}},
      {"an unknown name", url("/{user}"), {kBraces}},
      {"no name", url("/{}"), {kBraces}},
      {"a brace that is not closed", url("/{blob"), {kBraces}},
      {"a brace that was not opened", url("/blob}"), {kBraces}},
      {"a brace in a brace", url("/{{blob}}"), {kBraces}},
      {"another case", url("/{Blob}"), {kBraces}},
      {"nobody knows what the blob is",
       with_rule(R"("verify":{"enabled":false},"thumbnail":{"type":"read_sas"})"),
       {"rules[0].thumbnail: needs verify.enabled, or nobody knows whether the blob is an image"}},
      {"nobody knows, and no thumbnail",
       with_rule(R"("verify":{"enabled":false},"thumbnail":{"type":"none"})"),
       {}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_hooks_are_refused) {
  constexpr const char* kSecret =
      "success.hook: must have exactly one of secret_file, secret_env and secret_credential";
  constexpr const char* kUrl = "success.hook.url: must be a URL such as https://app.example.com/uploads";
  const auto hook = [](const std::string& json) { return document("", "", R"("hook":)" + json); };
  const auto url = [&](const std::string& text) {
    return hook(R"({"url":")" + text + R"(","secret_file":"s"})");
  };
  check({
      {"no URL",
       hook(R"({"secret_file":"s"})"),
       {"success.hook.url: is missing; it must be a URL such as https://app.example.com/uploads"}},
      {"no secret", hook(R"({"url":"https://app"})"), {kSecret}},
      {"two secrets", with_hook(R"("secret_env":"S")"), {kSecret}},
      {"no object", hook("true"), {"success.hook: must be an object with url and where the secret is"}},
      {"an unknown key", with_hook(R"("secret":"x")"), {"success.hook.secret: is not a known key"}},
      {"no scheme", url("app.example.com"), {kUrl}},
      {"another scheme", url("ftp://app"), {kUrl}},
      {"a file", url("file:///etc/passwd"), {kUrl}},
      {"upper case", url("HTTPS://app"), {kUrl}},
      {"a blank", url("https://app/a b"), {kUrl}},
      {"a line feed", url("https://app/\\n"), {kUrl}},
      {"beyond ASCII", url("https://app/\xc3\xa4"), {kUrl}},
      {"a relative socket",
       with_hook(R"("unix_socket":"app.sock")"),
       {"success.hook.unix_socket: must be the absolute path of a socket"}},
      {"a socket's path too long",
       with_hook(R"("unix_socket":"/)" + std::string(107, 's') + "\""),
       {"success.hook.unix_socket: must be the absolute path of a socket"}},
      {"an unknown mode", with_hook(R"("mode":"later")"), {"success.hook.mode: must be sync or async"}},
      {"a short timeout",
       with_hook(R"("timeout_ms":99)"),
       {"success.hook.timeout_ms: must be milliseconds, 100 to 60000"}},
      {"a long timeout",
       with_hook(R"("timeout_ms":60001)"),
       {"success.hook.timeout_ms: must be milliseconds, 100 to 60000"}},
      {"a short time to connect",
       with_hook(R"("connect_timeout_ms":49)"),
       {"success.hook.connect_timeout_ms: must be milliseconds, 50 to 60000"}},
      {"many retries", with_hook(R"("retries":6)"), {"success.hook.retries: must be a number from 0 to 5"}},
      {"negative retries",
       with_hook(R"("retries":-1)"),
       {"success.hook.retries: must be a number from 0 to 5"}},
      {"an unknown way to fail",
       with_hook(R"("on_failure":"keep")"),
       {"success.hook.on_failure: must be refuse or accept"}},
      {"a variable's name",
       with_hook(R"("secret_env":"1S")"),
       {"success.hook.secret_env: must be the name of an environment variable", kSecret}},
      {"a credential out of its directory",
       hook(R"({"url":"https://app","secret_credential":"../x"})"),
       {"success.hook.secret_credential: must be the name of a systemd credential"}},
      {"no attempts",
       with_hook(R"("mode":"async","max_attempts":0)"),
       {"success.hook.max_attempts: must be a number from 1 to 1000"}},
      {"many at once",
       with_hook(R"("mode":"async","parallel_deliveries":33)"),
       {"success.hook.parallel_deliveries: must be a number from 1 to 32"}},
      {"what is for sync only",
       with_hook(R"("mode":"async","retries":1,"forward_headers":["cookie"],"on_failure":"refuse")"),
       {"success.hook.forward_headers: is for mode sync only",
        "success.hook.on_failure: is for mode sync only", "success.hook.retries: is for mode sync only"}},
      {"what is for async only",
       with_hook(R"("store":{"type":"sqlite"},"max_attempts":1,"parallel_deliveries":1)"),
       {"success.hook.max_attempts: is for mode async only",
        "success.hook.parallel_deliveries: is for mode async only",
        "success.hook.store: is for mode async only"}},
      {"what is for async only, in plain words",
       with_hook(R"("mode":"sync","max_attempts":1)"),
       {"success.hook.max_attempts: is for mode async only"}},
  });
}

BOOST_AUTO_TEST_CASE(headers_of_ours_are_not_forwarded) {
  for (const char* name : {"Host", "content-length", "Content-Type", "transfer-encoding", "connection", "TE",
                           "upgrade", "Blobvalet-Signature", "expect", "accept", "content-encoding",
                           "keep-alive", "trailer", "proxy-connection"}) {
    check({{name,
            with_hook(R"("forward_headers":["cookie",")"s + name + "\"]"),
            {"success.hook.forward_headers[1]: cannot be forwarded"}}});
  }
  constexpr const char* kName = "success.hook.forward_headers[0]: must be a header's name such as cookie";
  for (const char* name : {"", "a b", "a:b", "a_b", "a\\r\\nb", "*"})
    check({{name, with_hook(R"("forward_headers":[")"s + name + "\"]"), {kName}}});
  check({
      {"no list",
       with_hook(R"("forward_headers":"cookie")"),
       {"success.hook.forward_headers: must be a list of header names"}},
      {"twice",
       with_hook(R"("forward_headers":["cookie","cookie"])"),
       {"success.hook.forward_headers: must not list the same thing twice"}},
  });
}

BOOST_AUTO_TEST_CASE(faulty_stores_are_refused) {
  check({
      {"no type", with_store("{}"), {"success.hook.store.type: is missing; it must be sqlite or redis"}},
      {"an unknown type",
       with_store(R"({"type":"mysql"})"),
       {"success.hook.store.type: must be sqlite or redis"}},
      {"no object", with_store(R"("sqlite")"), {"success.hook.store: must be an object with type"}},
      {"an unknown key",
       with_store(R"({"type":"redis","password":"x"})"),
       {"success.hook.store.password: is not a known key"}},
      {"an empty file",
       with_store(R"({"type":"sqlite","file":""})"),
       {"success.hook.store.file: must be a file name, absolute or relative to the configuration file"}},
      {"a file of redis",
       with_store(R"({"type":"redis","file":"e.db"})"),
       {"success.hook.store.file: is for type sqlite only"}},
      {"a host, port, socket, password and prefix of sqlite",
       with_store(R"({"type":"sqlite","host":"h","port":1,"password_file":"p","prefix":"x"})"),
       {"success.hook.store.host: is for type redis only",
        "success.hook.store.password_file: is for type redis only",
        "success.hook.store.port: is for type redis only",
        "success.hook.store.prefix: is for type redis only"}},
      {"a socket of sqlite",
       with_store(R"({"type":"sqlite","unix_socket":"/s"})"),
       {"success.hook.store.unix_socket: is for type redis only"}},
      {"a socket and a host",
       with_store(R"({"type":"redis","unix_socket":"/s","host":"h"})"),
       {"success.hook.store.unix_socket: cannot be combined with host and port"}},
      {"a socket and a port",
       with_store(R"({"type":"redis","unix_socket":"/s","port":1})"),
       {"success.hook.store.unix_socket: cannot be combined with host and port"}},
      {"a relative socket",
       with_store(R"({"type":"redis","unix_socket":"s"})"),
       {"success.hook.store.unix_socket: must be the absolute path of a socket"}},
      {"a host with a slash",
       with_store(R"({"type":"redis","host":"redis://h"})"),
       {"success.hook.store.host: must be a host name or address"}},
      {"port 0",
       with_store(R"({"type":"redis","port":0})"),
       {"success.hook.store.port: must be a number from 1 to 65535"}},
      {"a port too high",
       with_store(R"({"type":"redis","port":65536})"),
       {"success.hook.store.port: must be a number from 1 to 65535"}},
      {"a prefix with a colon",
       with_store(R"({"type":"redis","prefix":"a:b"})"),
       {"success.hook.store.prefix: must be 1 to 64 letters, digits, _, . and -"}},
      {"an empty prefix",
       with_store(R"({"type":"redis","prefix":""})"),
       {"success.hook.store.prefix: must be 1 to 64 letters, digits, _, . and -"}},
  });
}

BOOST_AUTO_TEST_SUITE_END()
