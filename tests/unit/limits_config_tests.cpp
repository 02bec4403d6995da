#include "tests/unit/config_faults.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// A sound configuration with further members of its rule and beside it.
std::string document(const std::string& rule, const std::string& more = "") {
  return R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"shared_key","key_file":"k"}}],)"
         R"("rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"])" +
         (rule.empty() ? "" : "," + rule) + "}]" + (more.empty() ? "" : "," + more) + "}";
}
std::string with_limit(const std::string& limit) {
  return document(R"("limit":)" + limit);
}
std::string with_limits(const std::string& limits) {
  return document("", R"("limits":)" + limits);
}
std::string with_store(const std::string& store) {
  return with_limits(R"({"store":)" + store + "}");
}
std::string with_server(const std::string& server) {
  return document("", R"("server":)" + server);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_config_tests)

BOOST_AUTO_TEST_CASE(by_default_there_are_no_limits_and_nobody_may_come_by_tcp) {
  const Config config = config_from(document(""));
  BOOST_TEST(!config.rules[0].limit.has_value());
  BOOST_TEST((config.limits == LimitOptions()));
  BOOST_TEST((config.limits.store == LimitOptions::Store::shared_memory));
  BOOST_TEST(config.limits.file == "/run/blobvalet/limits");
  BOOST_TEST(!config.limits.refuse_when_unavailable);
  BOOST_TEST(config.server.allow_from.empty());
  BOOST_TEST(!config.server.allow_public_bind);
}

BOOST_AUTO_TEST_CASE(limits_of_rules) {
  const Config whole = config_from(with_limit(R"({"requests":600,"per_seconds":60})"));
  BOOST_REQUIRE(whole.rules[0].limit.has_value());
  BOOST_TEST((whole.rules[0].limit->interval == 100ms));
  BOOST_TEST(whole.rules[0].limit->burst == 600U);
  const Config burst = config_from(with_limit(R"({"requests":1000000,"per_seconds":1,"burst":5})"));
  BOOST_TEST((burst.rules[0].limit->interval == 1us));
  BOOST_TEST(burst.rules[0].limit->burst == 5U);
}

BOOST_AUTO_TEST_CASE(every_key_is_read) {
  const Config redis = config_from(with_limits(R"({"when_unavailable":"refuse","store":{"type":"redis",
      "host":"10.0.0.9","port":6380,"password_file":"p","prefix":"site","timeout_ms":50}})"));
  BOOST_TEST((redis.limits.store == LimitOptions::Store::redis));
  BOOST_TEST(redis.limits.host == "10.0.0.9");
  BOOST_TEST(redis.limits.port == 6380U);
  BOOST_TEST(redis.limits.password_file == "p");
  BOOST_TEST(redis.limits.prefix == "site");
  BOOST_TEST((redis.limits.timeout == 50ms));
  BOOST_TEST(redis.limits.refuse_when_unavailable);
  BOOST_TEST(config_from(with_store(R"({"type":"redis","unix_socket":"/run/redis.sock"})")).limits.host ==
             "/run/redis.sock");
  BOOST_TEST(config_from(with_store(R"({"type":"shared_memory","file":"limits"})")).limits.file == "limits");
  BOOST_TEST(!config_from(with_limits(R"({"when_unavailable":"allow"})")).limits.refuse_when_unavailable);

  const ServerOptions server =
      config_from(
          with_server(R"({"allow_from":["10.0.0.1","10.1.0.0/16","fd00::/64"],"allow_public_bind":true})"))
          .server;
  BOOST_TEST(server.allow_from.size() == 3U);
  BOOST_TEST(contains(server.allow_from, *IpAddress::parse("10.1.2.3")));
  BOOST_TEST(contains(server.allow_from, *IpAddress::parse("fd00::9")));
  BOOST_TEST(!contains(server.allow_from, *IpAddress::parse("10.0.0.2")));
  BOOST_TEST(server.allow_public_bind);
}

BOOST_AUTO_TEST_CASE(only_limits_that_are_elsewhere_make_signatures_wait) {
  const std::string limit = R"("limit":{"requests":1,"per_seconds":1})";
  const std::string redis = R"("limits":{"store":{"type":"redis"}})";
  BOOST_TEST(!site_from(document(limit))->limits_may_wait());
  BOOST_TEST(!site_from(document("", redis))->limits_may_wait());
  BOOST_TEST(site_from(document(limit, redis))->limits_may_wait());
}

BOOST_AUTO_TEST_CASE(faults) {
  const std::string network =
      "must be an address, or a network such as 10.0.0.0/24 or fd00::/64 with zeros behind its prefix";
  check({
      {"no rate",
       with_limit("{}"),
       {"rules[0].limit.per_seconds: is missing; it must be seconds, 1 to 86400",
        "rules[0].limit.requests: is missing; it must be a number from 1 to 1000000"}},
      {"no period",
       with_limit(R"({"requests":1})"),
       {"rules[0].limit.per_seconds: is missing; it must be seconds, 1 to 86400"}},
      {"no requests",
       with_limit(R"({"requests":0,"per_seconds":1})"),
       {"rules[0].limit.requests: must be a number from 1 to 1000000"}},
      {"no time",
       with_limit(R"({"requests":1,"per_seconds":0})"),
       {"rules[0].limit.per_seconds: must be seconds, 1 to 86400"}},
      {"no burst",
       with_limit(R"({"requests":1,"per_seconds":1,"burst":0})"),
       {"rules[0].limit.burst: must be a number from 1 to 1000000"}},
      {"half a request",
       with_limit(R"({"requests":0.5,"per_seconds":1})"),
       {"rules[0].limit.requests: must be a number from 1 to 1000000"}},
      {"a number alone",
       with_limit("5"),
       {"rules[0].limit: must be an object with requests and per_seconds"}},
      {"a typo",
       with_limit(R"({"requests":1,"per_seconds":1,"bursts":1})"),
       {"rules[0].limit.bursts: is not a known key"}},
      {"a burst that never comes back",
       with_limit(R"({"requests":1,"per_seconds":86400,"burst":31})"),
       {"rules[0].limit.burst: would take more than 30 days to be there again"}},
      {"another store",
       with_store(R"({"type":"memcached"})"),
       {"limits.store.type: must be shared_memory or redis"}},
      {"no type", with_store("{}"), {"limits.store.type: is missing; it must be shared_memory or redis"}},
      {"a file for Redis",
       with_store(R"({"type":"redis","file":"f"})"),
       {"limits.store.file: is for type shared_memory only"}},
      {"Redis keys for memory",
       with_store(R"({"type":"shared_memory","host":"h","timeout_ms":10})"),
       {"limits.store.host: is for type redis only", "limits.store.timeout_ms: is for type redis only"}},
      {"two places",
       with_store(R"({"type":"redis","host":"h","unix_socket":"/s"})"),
       {"limits.store.unix_socket: cannot be combined with host and port"}},
      {"a slow answer",
       with_store(R"({"type":"redis","timeout_ms":1001})"),
       {"limits.store.timeout_ms: must be milliseconds, 10 to 1000"}},
      {"neither allow nor refuse",
       with_limits(R"({"when_unavailable":"accept"})"),
       {"limits.when_unavailable: must be allow or refuse"}},
      {"no address", with_server(R"({"allow_from":["nginx"]})"), {"server.allow_from[0]: " + network}},
      {"an empty address",
       with_server(R"({"allow_from":["10.0.0.1",""]})"),
       {"server.allow_from[1]: " + network}},
      {"bits behind the prefix",
       with_server(R"({"allow_from":["10.0.0.1/24"]})"),
       {"server.allow_from[0]: " + network}},
      {"everybody",
       with_server(R"({"allow_from":["0.0.0.0/0","::/0"]})"),
       {"server.allow_from[0]: would let everybody in", "server.allow_from[1]: would let everybody in"}},
      {"not a list",
       with_server(R"({"allow_from":"10.0.0.1"})"),
       {"server.allow_from: must be a list of addresses and networks"}},
  });
}

BOOST_AUTO_TEST_SUITE_END()
