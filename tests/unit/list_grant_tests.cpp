#include <array>
#include <random>
#include <type_traits>

#include "core/policy.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key", "key_file": "k"}},
    {"name": "other", "endpoint": "https://other", "credential": {"type": "shared_key", "key_file": "k"}}
  ],
  "rules": [
    {"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"],
     "methods": ["PUT", "DELETE"], "list": true},
    {"name": "tenant", "account": "acme", "container": "uploads", "blobs": ["shared/{tenant}/*.jpg"],
     "methods": ["DELETE"], "list": true},
    {"name": "silent", "account": "acme", "container": "uploads", "blobs": ["silent/**"], "methods": ["PUT"]},
    {"name": "nested", "account": "acme", "container": "nested", "blobs": ["a/b/**", "a/*", "a/c*", "x.txt"],
     "methods": ["PUT"], "list": true},
    {"name": "slashes", "account": "acme", "container": "slashes", "blobs": ["{user}/**"], "methods": ["PUT"],
     "list": true, "allow_empty_segments": true},
    {"name": "ip", "account": "acme", "container": "ipv4", "blobs": ["{user}/**"], "methods": ["PUT"],
     "list": true, "sas": {"bind_client_ip": true}},
    {"name": "drop", "account": "acme", "container": "drop", "blobs": ["**"], "methods": ["PUT"],
     "anonymous": true},
    {"name": "same", "account": "other", "container": "uploads", "blobs": ["{user}/**"], "methods": ["PUT"]}
  ]
})";

struct Ask {
  std::string container = "uploads";
  std::string folder = "";
  std::string_view user = "alice";
  std::vector<NamedValue> vars = {};
  std::string account = "https://acme";
  std::string_view remote_addr = "203.0.113.7";
};

/// A question and its answer; the grants' views point into it.
struct Listing {
  Listing(const Site& site, const Ask& ask)
      : uri(ask.account + "/" + ask.container + "/" + ask.folder + "x"),
        vars(ask.vars),
        target(site.endpoints().parse(uri, BlobNames::raw, decoded)),
        lists(site.policy().list(
            *target, std::string_view(uri).substr(uri.size() - ask.folder.size() - 1, ask.folder.size()),
            Caller{ask.user, ask.remote_addr, vars})) {}
  std::string uri;
  std::vector<NamedValue> vars;
  std::string decoded;
  Result<BlobTarget> target;
  Result<std::vector<ListGrant>> lists;
};

/// The prefixes in brackets, or all of the refusal.
std::string outcome(const Site& site, const Ask& ask) {
  const Listing listing(site, ask);
  if (!listing.lists) return show(listing.lists.error());
  std::string text;
  for (const ListGrant& list : *listing.lists)
    text.append("[").append(list.prefix()).append("]");
  return text;
}

const std::string kNo = "not_allowed | container | is not allowed | no rule with list for this folder";
const std::string kSlash =
    "bad_blob_name | container | has an empty segment; check that request.endpoint does not end with a slash "
    "| ";

}  // namespace

BOOST_AUTO_TEST_SUITE(list_grant_tests)

// Only the policy makes one.
static_assert(!std::is_default_constructible_v<ListGrant>);
static_assert(
    !std::is_constructible_v<ListGrant, BlobTarget, std::string, const Rule&, const RuleIndex&, Caller>);

BOOST_AUTO_TEST_CASE(prefixes_are_those_of_rules_that_list) {
  const auto site = site_from(kSite);
  struct Row {
    const char* name;
    Ask ask;
    std::string outcome;
  };
  const Row rows[] = {
      {"all of a container: the caller's part", {}, "[alice/]"},
      {"the caller's folder", {.folder = "alice/"}, "[alice/]"},
      {"a folder in it", {.folder = "alice/deep/er/"}, "[alice/deep/er/]"},
      {"a part of its name", {.folder = "ali"}, "[alice/]"},
      {"two rules", {.vars = {{"tenant", "t1"}}}, "[alice/][shared/t1/]"},
      {"one of two", {.folder = "shared/", .vars = {{"tenant", "t1"}}}, "[shared/t1/]"},
      {"prefixes within prefixes, once", {.container = "nested"}, "[a/][x.txt]"},
      {"the inner one", {.container = "nested", .folder = "a/b/"}, "[a/b/]"},
      {"a name that begins with a literal", {.container = "nested", .folder = "a/c"}, "[a/c]"},
      {"odd slashes where they are allowed", {.container = "slashes", .folder = "alice//"}, "[alice//]"},
      {"a user whose name needs care", {.user = "a&b *?"}, "[a&b *?/]"},
      {"another's folder", {.folder = "bob/"}, kNo},
      {"a folder that begins like the caller's", {.folder = "alice2/"}, kNo},
      {"a folder that is almost the caller's", {.folder = "Alice/"}, kNo},
      {"a star is no wildcard", {.folder = "*"}, kNo},
      {"another's, by a user whose name is a part of it", {.folder = "alice/", .user = "ali"}, kNo},
      {"another tenant's", {.folder = "shared/t2/", .vars = {{"tenant", "t1"}}}, kNo},
      {"no tenant", {.folder = "shared/"}, kNo},
      {"a tenant with a slash", {.folder = "shared/", .vars = {{"tenant", "t1/t2"}}}, kNo},
      {"a rule that does not list", {.folder = "silent/"}, kNo},
      {"a container that nobody may list", {.container = "drop"}, kNo},
      {"a container without rules", {.container = "private"}, kNo},
      {"another account's container of that name", {.account = "https://other"}, kNo},
      {"a user that is no segment", {.user = "a/b"}, kNo},
      {"a user of dots", {.user = ".."}, kNo},
      {"a slash at the end of the endpoint", {.folder = "alice//"}, kSlash},
      {"a slash behind the container", {.folder = "/"}, kSlash},
      {"a slash in a stranger's folder reads alike", {.folder = "bob//"}, kSlash},
      {"nobody", {.user = ""}, "login_required |  | log in first | listing needs a user"},
      {"nobody, of a container without rules",
       {.container = "private", .user = ""},
       "login_required |  | log in first | listing needs a user"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(*site, row.ask) == row.outcome);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_shown_is_granted) {
  const auto site = site_from(kSite);
  struct Row {
    const char* name;
    std::string blob;
    std::string rule;  ///< empty: not shown
    Ask ask = {};
    std::string container = "uploads";
    std::string account = "https://acme";
  };
  const Row rows[] = {
      {"the caller's", "alice/a.txt", "own cw"},
      {"deeper", "alice/b/c.txt", "own cw"},
      {"a name that needs care", "alice/100%41 #1?&+ <b>", "own cw"},
      {"by a rule that only deletes",
       "shared/t1/a.jpg",
       "tenant d",
       {.folder = "shared/", .vars = {{"tenant", "t1"}}}},
      {"another's", "bob/a.txt", ""},
      {"one whose name begins alike", "alice2/a.txt", ""},
      {"a file with the folder's name", "alice", ""},
      {"above it", "a.txt", ""},
      {"in other case", "Alice/a.txt", ""},
      {"a pattern's other names", "shared/t1/a.png", "", {.folder = "shared/", .vars = {{"tenant", "t1"}}}},
      {"a pattern's deeper names",
       "shared/t1/b/a.jpg",
       "",
       {.folder = "shared/", .vars = {{"tenant", "t1"}}}},
      {"another tenant's", "shared/t2/a.jpg", "", {.folder = "shared/", .vars = {{"tenant", "t1"}}}},
      {"what another rule grants without listing it", "silent/a.txt", ""},
      {"an empty segment", "alice//a.txt", ""},
      {"the caller's, but not in the folder that was asked for", "alice/a.txt", "", {.folder = "alice/b/"}},
      {"the same name in another container", "alice/a.txt", "", {}, "drop"},
      {"the same name in another account", "alice/a.txt", "", {}, "uploads", "https://other"},
      {"where SAS are for one address", "alice/a.txt", "ip cw", {.container = "ipv4"}, "ipv4"},
      {"where the client has no such address",
       "alice/a.txt",
       "",
       {.container = "ipv4", .remote_addr = "2001:db8::1"},
       "ipv4"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Listing listing(*site, row.ask);
      BOOST_REQUIRE(listing.lists.has_value() && listing.lists->size() == 1);
      std::string decoded;
      const std::string uri = row.account + "/" + row.container + "/" + row.blob;
      const auto target = site->endpoints().parse(uri, BlobNames::raw, decoded);
      BOOST_REQUIRE(target.has_value());
      const auto grant = listing.lists->front().admit(*target, at("2026-03-01T12:00:00Z"));
      BOOST_TEST((grant ? grant->rule().name + " " + std::string(grant->permissions()) : "") == row.rule);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_policy_knows_if_it_lists) {
  BOOST_TEST(site_from(kSite)->policy().lists());
  BOOST_TEST(!Policy().lists());
}

BOOST_AUTO_TEST_CASE(a_pattern_begins_with_what_all_its_names_do) {
  struct Row {
    const char* pattern;
    const char* prefix;  ///< null: nothing matches
  };
  const Row rows[] = {
      {"**", ""},
      {"*", ""},
      {"a", "a"},
      {"a/b.txt", "a/b.txt"},
      {"a/**", "a/"},
      {"a/b**", "a/b"},
      {"a/*.jpg", "a/"},
      {"a/b*c", "a/b"},
      {"*/a", ""},
      {"a*/b/**", "a"},
      {"{user}", "alice"},
      {"{user}/**", "alice/"},
      {"{user}/*", "alice/"},
      {"{tenant}/{user}/x*", "t1/alice/x"},
      {"x/{user}", "x/alice"},
      {"*/{user}", ""},
      {"{none}/**", nullptr},
      {"a/{none}", nullptr},
      {"{bad}/**", nullptr},
      {"{empty}/**", nullptr},
  };
  const std::vector<NamedValue> vars{{"tenant", "t1"}, {"bad", "a/b"}, {"empty", ""}};
  const Caller caller{"alice", "203.0.113.7", vars};
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.pattern) {
      std::string fault;
      const auto prefix = NamePattern::parse(row.pattern, false, fault)->prefix_for(caller);
      BOOST_TEST(prefix.has_value() == (row.prefix != nullptr));
      if (prefix && row.prefix != nullptr) BOOST_TEST(*prefix == row.prefix);
    }
  }
}

// Policy::opinions asks every rule in turn.
BOOST_AUTO_TEST_CASE(a_name_is_admitted_as_if_all_rules_were_asked) {
  constexpr std::array<std::string_view, 7> kPatterns{"a/**",       "a/b/**", "{user}/**", "*/x",
                                                      "{tenant}/*", "**",     "ab*/x"};
  constexpr std::array<std::string_view, 5> kFolders{"a/", "a/b/", "alice/", "t1/", "abc/"};
  const std::array<NamedValue, 1> vars{{{"tenant", "t1"}}};
  const Caller caller{"alice", "203.0.113.7", vars};
  const auto site = site_from(kSite);
  std::mt19937 random(20261126);  // NOLINT(cert-msc*): the same in every run
  std::size_t admitted = 0;
  std::size_t hidden = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<Rule> rules;
    for (std::size_t i = 0, count = 1 + random() % 8; i < count; ++i) {
      Rule& rule = rules.emplace_back();
      std::string fault;
      rule.blobs.push_back(*NamePattern::parse(kPatterns.at(random() % kPatterns.size()), true, fault));
      rule.container = "uploads";
      rule.list = random() % 3 != 0;
      rule.anonymous = random() % 4 == 0;
      if (random() % 3 != 0) rule.put_permissions = *SasPermissions::parse("cw");
      rule.delete_permissions = *SasPermissions::parse("d");
    }
    const Policy policy(std::move(rules));
    for (const std::string_view folder : kFolders) {
      const std::string uri = "https://acme/uploads/" + std::string(folder) + "x";
      std::string decoded;
      const auto target = site->endpoints().parse(uri, BlobNames::raw, decoded);
      BOOST_REQUIRE(target.has_value());
      const Rule* first = nullptr;
      for (const Rule& rule : policy.rules()) {
        if (first != nullptr || !rule.list || rule.anonymous) continue;
        const BlobVerb verb = rule.put_permissions.text().empty() ? BlobVerb::del : BlobVerb::put;
        for (const RuleOpinion& opinion : policy.opinions(*target, verb, caller)) {
          if (opinion.rule == &rule && opinion.objection.empty()) first = &rule;
        }
      }
      const auto lists = policy.list(*target, folder, caller);
      BOOST_TEST_CONTEXT(uri << " in round " << round) {
        if (!lists) {
          BOOST_TEST(first == nullptr);
          continue;
        }
        const Rule* by = nullptr;
        for (const ListGrant& list : *lists) {
          if (const auto grant = list.admit(*target, at("2026-03-01T12:00:00Z"))) by = &grant->rule();
        }
        BOOST_TEST(by == first);
        ++(first == nullptr ? hidden : admitted);
      }
    }
  }
  // Else the above has shown little.
  BOOST_TEST(admitted > 300U);
  BOOST_TEST(hidden > 30U);
}

BOOST_AUTO_TEST_SUITE_END()
