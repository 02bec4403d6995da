#include <type_traits>

#include "core/policy.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kRules = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key", "key_file": "k"}},
    {"name": "other", "endpoint": "https://other", "credential": {"type": "shared_key", "key_file": "k"}},
    {"name": "unused", "endpoint": "https://unused", "credential": {"type": "shared_key", "key_file": "k"}}
  ],
  "rules": [
    {"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"],
     "methods": ["PUT", "DELETE"]},
    {"name": "shared", "account": "acme", "container": "uploads", "blobs": ["shared/*", "pool/*.jpg"],
     "methods": ["PUT"], "permissions": {"PUT": "c"},
     "sas": {"put_lifetime_seconds": 60, "start_backdate_seconds": 900, "protocol": "https,http",
             "version": "2025-05-05", "encryption_scope": "scope-1", "ip_range": "10.0.0.0-10.0.0.255"}},
    {"name": "late", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["DELETE"],
     "sas": {"delete_lifetime_seconds": 1}},
    {"name": "tenant", "account": "acme", "container": "tenants", "blobs": ["{tenant}/{user}/**"],
     "methods": ["PUT"]},
    {"name": "drop", "account": "acme", "container": "drop", "blobs": ["**"], "methods": ["PUT"],
     "anonymous": true},
    {"name": "loose", "account": "acme", "container": "loose", "blobs": ["**"], "methods": ["PUT"],
     "allow_empty_segments": true},
    {"name": "bound", "account": "acme", "container": "bound", "blobs": ["**"], "methods": ["PUT"],
     "sas": {"bind_client_ip": true}},
    {"name": "elsewhere", "account": "other", "container": "uploads", "blobs": ["**"], "methods": ["PUT"]}
  ]
})";

struct Ask {
  std::string uri;
  BlobVerb verb = BlobVerb::put;
  std::string_view user = "bob";
  std::vector<NamedValue> vars = {};
  std::string_view remote_addr = "203.0.113.7";
};

/// `rule permissions st se sip spr sv ses`, or all of the refusal.
std::string outcome(const Site& site, const Ask& ask) {
  std::string decoded;
  const auto target = site.endpoints().parse(ask.uri, BlobNames::raw, decoded);
  BOOST_REQUIRE_MESSAGE(target.has_value(), ask.uri << ": " << show(target));
  const Caller caller{ask.user, ask.remote_addr, ask.vars};
  const auto grant = site.policy().decide(*target, ask.verb, caller, at("2026-03-01T12:00:00Z"));
  if (!grant) return show(grant.error());
  BOOST_TEST(grant->target().blob.view() == target->blob.view());
  std::string text = grant->rule().name;
  text.append(" ").append(grant->permissions()).append(" ");
  text.append(grant->start() ? UtcText(*grant->start()).view() : "-").append(" ");
  text.append(UtcText(grant->expiry()).view()).append(" ").append(grant->ip()).append(" ");
  text.append(grant->protocol()).append(" ").append(grant->version().view()).append(" ");
  return text.append(grant->encryption_scope());
}

constexpr const char* kNotAllowed = "not_allowed | bloburi | is not allowed | ";
constexpr const char* kLogIn = "login_required |  | log in first | ";
constexpr const char* kEmptySegment =
    "bad_blob_name | blob name | has an empty segment; check that request.endpoint does not end with a slash "
    "| ";

// Only the policy makes grants.
static_assert(!std::is_default_constructible_v<SasGrant>);
static_assert(!std::is_constructible_v<SasGrant, const BlobTarget&, BlobVerb, const Rule&, std::string_view,
                                       UtcSeconds>);
static_assert(!std::is_copy_constructible_v<Policy>, "its index points into its rules");

}  // namespace

BOOST_AUTO_TEST_SUITE(policy_tests)

BOOST_AUTO_TEST_CASE(what_a_rule_allows_is_granted) {
  struct Row {
    const char* name;
    Ask ask;
    const char* grant;
  };
  const Row rows[] = {
      {"a PUT into the own folder",
       {"https://acme/uploads/bob/a"},
       "own cw - 2026-03-01T12:15:00Z  https 2023-11-03 "},
      {"a DELETE there",
       {"https://acme/uploads/bob/a", BlobVerb::del},
       "own d - 2026-03-01T12:05:00Z  https 2023-11-03 "},
      {"all that a rule may override",
       {"https://acme/uploads/shared/a"},
       "shared c 2026-03-01T11:45:00Z 2026-03-01T12:01:00Z 10.0.0.0-10.0.0.255 https,http 2025-05-05 "
       "scope-1"},
      {"a rule's second pattern",
       {"https://acme/uploads/pool/a.jpg"},
       "shared c 2026-03-01T11:45:00Z 2026-03-01T12:01:00Z 10.0.0.0-10.0.0.255 https,http 2025-05-05 "
       "scope-1"},
      {"a later rule, where earlier ones lack the verb",
       {"https://acme/uploads/shared/a", BlobVerb::del},
       "late d - 2026-03-01T12:00:01Z  https 2023-11-03 "},
      {"two values",
       {"https://acme/tenants/t1/bob/a", BlobVerb::put, "bob", {{"tenant", "t1"}}},
       "tenant cw - 2026-03-01T12:15:00Z  https 2023-11-03 "},
      {"nobody, where that is allowed",
       {"https://acme/drop/a", BlobVerb::put, ""},
       "drop cw - 2026-03-01T12:15:00Z  https 2023-11-03 "},
      {"somebody, where nobody is needed",
       {"https://acme/drop/a"},
       "drop cw - 2026-03-01T12:15:00Z  https 2023-11-03 "},
      {"somebody whose name is no segment, where nobody is needed",
       {"https://acme/drop/a", BlobVerb::put, "a/b"},
       "drop cw - 2026-03-01T12:15:00Z  https 2023-11-03 "},
      {"an empty segment, where that is allowed",
       {"https://acme/loose//a"},
       "loose cw - 2026-03-01T12:15:00Z  https 2023-11-03 "},
      {"bound to the client's address",
       {"https://acme/bound/a"},
       "bound cw - 2026-03-01T12:15:00Z 203.0.113.7 https 2023-11-03 "},
      {"another account's container of the same name",
       {"https://other/uploads/x"},
       "elsewhere cw - 2026-03-01T12:15:00Z  https 2023-11-03 "},
  };
  const auto site = site_from(kRules);
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(*site, row.ask) == row.grant);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_no_rule_allows_is_refused) {
  constexpr const char* kNoRule = "no rule for this container";
  constexpr const char* kVerb = "no rule for this verb";
  constexpr const char* kName = "no pattern matches the name";
  constexpr const char* kUser = "the user's name cannot be a path segment";
  constexpr const char* kIp = "the client's address is not IPv4";
  struct Row {
    const char* name;
    Ask ask;
    const char* answer;
    const char* reason;
  };
  const Row rows[] = {
      {"an account without rules", {"https://unused/uploads/a"}, kNotAllowed, kNoRule},
      {"a container without rules", {"https://acme/nothing/a"}, kNotAllowed, kNoRule},
      {"a container of another account", {"https://other/drop/a"}, kNotAllowed, kNoRule},
      {"a verb without rules", {"https://acme/drop/a", BlobVerb::del}, kNotAllowed, kVerb},
      {"another verb at another account", {"https://other/uploads/a", BlobVerb::del}, kNotAllowed, kVerb},
      {"somebody else's folder", {"https://acme/uploads/alice/a"}, kNotAllowed, kName},
      {"a folder that begins alike", {"https://acme/uploads/bobby/a"}, kNotAllowed, kName},
      {"the folder itself", {"https://acme/uploads/bob"}, kNotAllowed, kName},
      {"another user", {"https://acme/uploads/bob/a", BlobVerb::put, "alice"}, kNotAllowed, kName},
      {"the user in another case", {"https://acme/uploads/bob/a", BlobVerb::put, "Bob"}, kNotAllowed, kName},
      {"a pattern's star does not cross slashes", {"https://acme/uploads/shared/a/b"}, kNotAllowed, kName},
      {"no tenant", {"https://acme/tenants/t1/bob/a"}, kNotAllowed, kName},
      {"another tenant",
       {"https://acme/tenants/t1/bob/a", BlobVerb::put, "bob", {{"tenant", "t2"}}},
       kNotAllowed,
       kName},
      {"a tenant with a slash",
       {"https://acme/tenants/t1/x/bob/a", BlobVerb::put, "bob", {{"tenant", "t1/x"}}},
       kNotAllowed,
       kName},
      {"a variable called user",
       {"https://acme/uploads/alice/a", BlobVerb::put, "bob", {{"user", "alice"}}},
       kNotAllowed,
       kName},
      {"a user of two segments",
       {"https://acme/uploads/bob/x/a", BlobVerb::put, "bob/x"},
       kNotAllowed,
       kUser},
      {"a user of dots", {"https://acme/uploads/bob/a", BlobVerb::put, ".."}, kNotAllowed, kUser},
      {"a user with a line feed", {"https://acme/uploads/bob/a", BlobVerb::put, "bob\n"}, kNotAllowed, kUser},
      {"a user that is no UTF-8",
       {"https://acme/uploads/bob/a", BlobVerb::put, "bob\xff"},
       kNotAllowed,
       kUser},
      {"an unusable user, whatever the pattern",
       {"https://acme/loose/a", BlobVerb::put, "a/b"},
       kNotAllowed,
       kUser},
      {"an IPv6 client", {"https://acme/bound/a", BlobVerb::put, "bob", {}, "2001:db8::1"}, kNotAllowed, kIp},
      {"a client over a unix socket",
       {"https://acme/bound/a", BlobVerb::put, "bob", {}, "unix:"},
       kNotAllowed,
       kIp},
      {"no client address", {"https://acme/bound/a", BlobVerb::put, "bob", {}, ""}, kNotAllowed, kIp},
      {"three numbers", {"https://acme/bound/a", BlobVerb::put, "bob", {}, "10.0.1"}, kNotAllowed, kIp},
      {"a range",
       {"https://acme/bound/a", BlobVerb::put, "bob", {}, "10.0.0.0-10.255.255.255"},
       kNotAllowed,
       kIp},
      {"nobody", {"https://acme/uploads/bob/a", BlobVerb::put, ""}, kLogIn, "the rule needs a user"},
      {"nobody and an empty folder",
       {"https://acme/loose/a", BlobVerb::put, ""},
       kLogIn,
       "the rule needs a user"},
      {"nobody at a container without rules", {"https://acme/nothing/a", BlobVerb::put, ""}, kLogIn, kNoRule},
      {"nobody, a verb without rules", {"https://acme/drop/a", BlobVerb::del, ""}, kLogIn, kVerb},
      {"an empty segment",
       {"https://acme/uploads/bob//a"},
       kEmptySegment,
       "the rule does not allow empty segments"},
      {"a leading slash", {"https://acme/uploads//bob/a"}, kEmptySegment, kName},
      {"a trailing slash", {"https://acme/drop/a/"}, kEmptySegment, "the rule does not allow empty segments"},
      {"an empty segment at a container without rules", {"https://acme/nothing//a"}, kEmptySegment, kNoRule},
      {"an empty segment, and nobody",
       {"https://acme/loose//a", BlobVerb::put, ""},
       kEmptySegment,
       "the rule needs a user"},
  };
  const auto site = site_from(kRules);
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(*site, row.ask) == std::string(row.answer) + row.reason);
    }
  }
}

BOOST_AUTO_TEST_CASE(without_a_rule_that_needs_a_user_nobody_is_asked_to_log_in) {
  const auto site = site_from(R"({
    "accounts": [{"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key",
     "key_file": "k"}}],
    "rules": [{"name": "drop", "account": "acme", "container": "drop", "blobs": ["in/*"], "methods": ["PUT"],
               "anonymous": true}]
  })");
  BOOST_TEST(outcome(*site, {"https://acme/drop/out/a", BlobVerb::put, ""}) ==
             kNotAllowed + "no pattern matches the name"s);
}

BOOST_AUTO_TEST_CASE(a_policy_without_rules_refuses) {
  const auto site = site_from(kRules);
  std::string decoded;
  const auto target = site->endpoints().parse("https://acme/uploads/bob/a", BlobNames::raw, decoded);
  BOOST_REQUIRE(target.has_value());
  const auto decided = Policy().decide(*target, BlobVerb::put, {"bob", "", {}}, at("2026-03-01T12:00:00Z"));
  BOOST_TEST(show(decided) == kNotAllowed + "no rule for this container"s);
}

// The index of a policy points into its rules, which must move along.
BOOST_AUTO_TEST_CASE(a_moved_policy_decides_alike) {
  const auto site = site_from(kRules);
  Policy first(config_from(kRules).rules);
  const Policy second(std::move(first));
  std::string decoded;
  const auto target = site->endpoints().parse("https://acme/uploads/bob/a", BlobNames::raw, decoded);
  BOOST_REQUIRE(target.has_value());
  BOOST_TEST(second.decide(*target, BlobVerb::put, {"bob", "", {}}, at("2026-03-01T12:00:00Z")).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
