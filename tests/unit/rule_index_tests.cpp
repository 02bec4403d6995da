#include <algorithm>
#include <array>
#include <random>
#include <set>

#include "core/policy.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [{ "name": "acme", "endpoint": "https://acme.blob.core.windows.net",
                 "credential": { "type": "shared_key", "key_file": "acme.key" } }],
  "rules": [{ "name": "r", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"] }]
})";

// What the log says, from far to close.
constexpr std::array<std::string_view, 6> kObjections{
    "no rule for this verb",
    "the rule needs a user",
    "the user's name cannot be a path segment",
    "no pattern matches the name",
    "the rule does not allow empty segments",
    "the client's address is not IPv4",
};

std::ptrdiff_t closeness(const RuleOpinion& opinion) {
  return std::ranges::find(kObjections, opinion.objection.view()) - kObjections.begin();
}

NamePattern pattern(std::string_view text) {
  std::string fault;
  auto parsed = NamePattern::parse(text, true, fault);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), text << ": " << fault);
  return *parsed;
}

Rule rule_for(std::vector<std::string> patterns) {
  Rule rule;
  rule.name = patterns.front();
  for (const std::string& text : patterns)
    rule.blobs.push_back(pattern(text));
  return rule;
}

/// Rules of one pattern each, and their index.
struct Indexed {
  explicit Indexed(const std::vector<std::string>& patterns) {
    for (const std::string& text : patterns)
      rules.push_back(rule_for({text}));
    for (const Rule& rule : rules)
      index.add(rule.blobs.front(), rule);
  }
  [[nodiscard]] std::set<std::string> looked_at(std::string_view name) const {
    std::set<std::string> names;
    index.look(name, [&](const RuleIndex::Group& group) {
      for (const Rule* rule : group)
        names.insert(rule->name);
    });
    return names;
  }
  std::vector<Rule> rules;
  RuleIndex index;
};

std::string random_text(std::mt19937& random, std::span<const std::string_view> pieces, std::size_t most) {
  std::string text;
  for (std::size_t i = 0, count = 1 + random() % most; i < count; ++i)
    text.append(i == 0 ? "" : "/").append(pieces[random() % pieces.size()]);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rule_index_tests)

BOOST_AUTO_TEST_CASE(the_literals_of_a_pattern) {
  struct Row {
    std::string_view pattern;
    std::vector<std::string> literals;
  };
  const std::vector<Row> rows{
      {"**", {""}},
      {"a.txt", {"a.txt"}},
      {"in/*", {"in/"}},
      {"in/2026**", {"in/2026"}},
      {"in*/b/c", {"in"}},
      {"{user}", {"", ""}},
      {"{user}/**", {"", "/"}},
      {"tenants/{tenant}/in/*.jpg", {"tenants/", "/in/"}},
      {"{tenant}/{user}/**", {"", "/", "/"}},
      {"*/{user}", {""}},
      {"a//b", {"a//b"}},
      {"a/", {"a/"}},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.pattern) {
      BOOST_TEST(pattern(row.pattern).literals() == row.literals, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(only_patterns_that_begin_like_the_name_are_looked_at) {
  const Indexed indexed(
      {"**", "site-1/**", "site-2/**", "site-1**", "{user}/docs/**", "{user}/pics/**", "{user}"});
  struct Row {
    std::string_view name;
    std::set<std::string> looked_at;
  };
  const std::vector<Row> rows{
      {"site-1/a", {"**", "site-1/**", "site-1**", "{user}"}},
      {"site-10/a", {"**", "site-1**", "{user}"}},
      {"site-2/docs/a", {"**", "site-2/**", "{user}/docs/**", "{user}"}},
      {"alice/pics/a", {"**", "{user}/pics/**", "{user}"}},
      {"alice/pic", {"**", "{user}"}},
      {"a", {"**", "{user}"}},
      {"/docs/a", {"**", "{user}", "{user}/docs/**"}},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(indexed.looked_at(row.name) == row.looked_at, boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(ten_thousand_rules_are_not_looked_at_one_by_one) {
  struct Row {
    std::string_view shape;
    std::string before;
    std::string after;
    std::string_view name;
  };
  const std::vector<Row> rows{
      {"a folder each", "site-", "/**", "site-777/a.jpg"},
      {"a folder each of the user's", "{user}/site-", "/**", "alice/site-777/a.jpg"},
      {"a folder each for each user", "site-", "/{user}/**", "site-777/alice/a.jpg"},
      {"a file each", "file-", "", "file-777"},
      {"a beginning each", "file-", "-**", "file-777-a"},
      {"a glob each", "site-", "/*.jpg", "site-777/a.jpg"},
      {"a name of nobody's", "site-", "/**", "sites/a.jpg"},
  };
  for (const Row& row : rows) {
    std::vector<std::string> patterns;
    for (int i = 0; i < 10000; ++i)
      patterns.push_back(row.before + std::to_string(i) + row.after);
    BOOST_TEST_CONTEXT(row.shape) {
      // `file-7` and `file-77` begin like `file-777`, too.
      BOOST_TEST(Indexed(patterns).looked_at(row.name).size() <= 3U);
    }
  }
}

// Policy::opinions asks every rule in turn.
BOOST_AUTO_TEST_CASE(the_first_rule_in_order_decides_as_if_all_were_asked) {
  constexpr std::array<std::string_view, 8> kPatternPieces{"a", "b",      "ab",       "a*",
                                                           "*", "{user}", "{tenant}", ""};
  constexpr std::array<std::string_view, 6> kNamePieces{"a", "b", "ab", "abc", "alice", ""};
  constexpr std::array<std::string_view, 4> kUsers{"alice", "a", "", ".."};
  const std::array<NamedValue, 1> vars{{{"tenant", "b"}}};
  std::mt19937 random(20261126);  // NOLINT(cert-msc*): the same in every run
  const auto site = site_from(kSite);
  std::size_t granted = 0;
  std::size_t refused = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<Rule> rules;
    for (std::size_t i = 0, count = 1 + random() % 8; i < count; ++i) {
      std::string text = random_text(random, kPatternPieces, 3);
      if (random() % 3 == 0) text.append("/**");
      rules.push_back(rule_for({text, random_text(random, kPatternPieces, 3)}));
      Rule& rule = rules.back();
      rule.name = std::to_string(i);
      rule.container = "uploads";
      rule.anonymous = random() % 4 == 0;
      rule.allow_empty_segments = random() % 2 == 0;
      rule.sas.bind_client_ip = random() % 4 == 0;
      if (random() % 4 != 0) rule.put_permissions = *SasPermissions::parse("cw");
      if (random() % 4 != 0) rule.delete_permissions = *SasPermissions::parse("d");
    }
    const Policy policy(std::move(rules));
    for (int i = 0; i < 40; ++i) {
      const std::string uri =
          "https://acme.blob.core.windows.net/uploads/" + random_text(random, kNamePieces, 4) + "x";
      std::string decoded;
      const auto target = site->endpoints().parse(uri, BlobNames::raw, decoded);
      if (!target) continue;
      const BlobVerb verb = random() % 2 == 0 ? BlobVerb::put : BlobVerb::del;
      const std::string_view address = random() % 2 == 0 ? "203.0.113.7" : "2001:db8::1";
      const Caller caller{kUsers.at(random() % kUsers.size()), address, vars};
      const auto opinions = policy.opinions(*target, verb, caller);
      const auto first = std::ranges::find_if(opinions, [](const auto& o) { return o.objection.empty(); });
      const auto grant = policy.decide(*target, verb, caller, at("2026-03-01T12:00:00Z"));
      BOOST_TEST_CONTEXT(uri << " for " << caller.user << " in round " << round) {
        BOOST_REQUIRE_EQUAL(grant.has_value(), first != opinions.end());
        if (grant) {
          BOOST_TEST(&grant->rule() == first->rule);
          ++granted;
          continue;
        }
        const auto closest = std::ranges::max_element(opinions, {}, closeness);
        BOOST_TEST(grant.error().log_reason.view() == closest->objection.view());
        ++refused;
      }
    }
  }
  // Else the above has shown little.
  BOOST_TEST(granted > 1000U);
  BOOST_TEST(refused > 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
