#include "core/name_pattern.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

NamePattern pattern(std::string_view text, bool allow_empty_segments = false) {
  std::string fault;
  auto parsed = NamePattern::parse(text, allow_empty_segments, fault);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), text << ": " << fault);
  return *parsed;
}

Caller caller(std::string_view user, std::span<const NamedValue> vars = {}) {
  return {user, "", vars};
}

const NamedValue kVars[] = {{"tenant", "acme"}, {"user", "mallory"}, {"empty", ""}, {"dots", ".."}};
const Caller kBob = caller("bob", kVars);

}  // namespace

BOOST_AUTO_TEST_SUITE(name_pattern_tests)

BOOST_AUTO_TEST_CASE(matching_names_match) {
  struct Row {
    const char* pattern;
    std::string name;
  };
  const Row rows[] = {
      {"**", "a"},
      {"**", "a/b/c"},
      {"**", "**"},
      {"*", "a"},
      {"*", " "},
      {"a", "a"},
      {"a/b", "a/b"},
      {"*.jpg", "x.jpg"},
      {"*.jpg", ".jpg"},
      {"a*b*c", "abc"},
      {"a*b*c", "a-b-b-c"},
      {"a*b*c", "abcabc"},
      {"*a*", "bab"},
      {"inbox/*/x", "inbox/any thing/x"},
      {"inbox/**", "inbox/a/b"},
      {"inbox/img-**", "inbox/img-1"},
      {"inbox/img-**", "inbox/img-1/2/3"},
      {"{user}/**", "bob/a"},
      {"{user}/**", "bob/bob/a"},
      {"{user}", "bob"},
      {"{tenant}/{user}/*", "acme/bob/x"},
      {"users/{user}/in/*", "users/bob/in/x"},
      {"{user}/*/{user}", "bob/x/bob"},
      {"?", "?"},
      {"[a]", "[a]"},
      {"a.c", "a.c"},
      {"%2e%2e/x", "%2e%2e/x"},
      {"caf\xc3\xa9/*", "caf\xc3\xa9/x"},
      {"*", "\xf0\x9f\x98\x80"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.pattern << " and " << row.name) {
      BOOST_TEST(pattern(row.pattern).matches(row.name, kBob));
    }
  }
}

BOOST_AUTO_TEST_CASE(other_names_do_not_match) {
  struct Row {
    const char* pattern;
    std::string name;
  };
  const Row rows[] = {
      {"*", "a/b"},
      {"*", "a/"},
      {"*", "/a"},
      {"a", "A"},
      {"a", "ab"},
      {"a", "a/"},
      {"a", "a/b"},
      {"a/b", "a"},
      {"a/b", "a/b/c"},
      {"a/b", "ab"},
      {"a.c", "abc"},
      {"?", "a"},
      {"[ab]", "a"},
      {"*.jpg", "x.jpg.exe"},
      {"*.jpg", "x.JPG"},
      {"*.jpg", "x/y.jpg"},
      {"a*b*c", "ac"},
      {"a*b*c", "abcd"},
      {"a*b*c", "cab"},
      {"inbox/**", "inbox"},
      {"inbox/**", "inbox/"},
      {"inbox/**", "inboxes/a"},
      {"inbox/**", "x/inbox/a"},
      {"inbox/img-**", "inbox/img-"},
      {"inbox/img-**", "inbox/imp-1"},
      {"inbox/*/x", "inbox/x"},
      {"inbox/*/x", "inbox/a/b/x"},
      {"{user}/**", "alice/a"},
      {"{user}/**", "Bob/a"},
      {"{user}/**", "bobby/a"},
      {"{user}/**", "bo/a"},
      {"{user}/**", "bob"},
      {"{user}/**", "bob/"},
      {"{user}/**", "/bob/a"},
      {"{user}/**", "mallory/a"},
      {"{user}/**", "{user}/a"},
      {"{user}/**", "b%6fb/a"},
      {"{user}/*", "bob/a/b"},
      {"{tenant}/{user}/*", "bob/acme/x"},
      {"{tenant}/{user}/*", "acme/alice/x"},
      {"{nothing}/*", "/x"},
      {"{nothing}/*", "nothing/x"},
      {"{empty}/*", "/x"},
      {"{dots}/*", "../x"},
      {"caf\xc3\xa9/*", "cafe\xcc\x81/x"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.pattern << " and " << row.name) {
      BOOST_TEST(!pattern(row.pattern, true).matches(row.name, kBob));
    }
  }
}

BOOST_AUTO_TEST_CASE(values_that_are_one_segment_stand_for_themselves) {
  for (const std::string& value :
       {"bob"s, "bob@example.com"s,
        "B\xc3\xb6"
        "b"s,
        "\xf0\x9f\x98\x80"s, "a b"s, "..."s, ".b"s, "*"s, "**"s, "{user}"s, "%2f"s, "-"s, "~"s}) {
    BOOST_TEST_CONTEXT(value) {
      BOOST_TEST(is_segment_value(value));
      BOOST_TEST(pattern("{user}/*").matches(value + "/x", caller(value)));
      BOOST_TEST(!pattern("{user}/*").matches("other/x", caller(value)), "a value is never a pattern itself");
    }
  }
}

BOOST_AUTO_TEST_CASE(values_that_are_no_segment_match_nothing) {
  struct Row {
    const char* name;
    std::string value;
  };
  const Row rows[] = {
      {"empty", ""},
      {"a dot", "."},
      {"two dots", ".."},
      {"a slash", "/"},
      {"a slash within", "bob/alice"},
      {"a slash at the end", "bob/"},
      {"a slash first", "/bob"},
      {"a way out", "../alice"},
      {"a backslash", "bob\\alice"},
      {"a domain", "EXAMPLE\\bob"},
      {"NUL", "bob\0"s},
      {"tab", "bob\t"},
      {"line feed", "bob\nalice"},
      {"carriage return", "bob\r"},
      {"U+001F", "\x1f"},
      {"delete", "bob\x7f"},
      {"a blank", " "},
      {"a blank first", " bob"},
      {"a blank at the end", "bob "},
      {"no UTF-8", "bob\xff"},
      {"an overlong slash",
       "bob\xc0\xaf"
       "alice"},
      {"a lone surrogate", "bob\xed\xa0\x80"},
      {"a truncated character", "bob\xc3"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(!is_segment_value(row.value));
      for (const char* text : {"{user}", "{user}/*", "{user}/**", "{user}/*/*", "*/{user}"}) {
        for (const std::string& name : {row.value, row.value + "/x", row.value + "/x/y", "x/" + row.value}) {
          BOOST_TEST(!pattern(text, true).matches(name, caller(row.value)));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_caller_has_one_user_and_named_values) {
  BOOST_TEST(kBob.value_of("user") == "bob");
  BOOST_TEST(kBob.value_of("tenant") == "acme");
  BOOST_TEST(kBob.value_of("TENANT") == "");
  BOOST_TEST(kBob.value_of("nothing") == "");
  BOOST_TEST(caller("", kVars).value_of("user") == "");
}

BOOST_AUTO_TEST_CASE(empty_segments_are_literal_where_they_are_allowed) {
  struct Row {
    const char* pattern;
    const char* name;
    bool matches;
  };
  constexpr Row kRows[] = {
      {"/**", "/a", true},     {"/**", "a", false},      {"/**", "/", false}, {"a//b", "a//b", true},
      {"a//b", "a/b", false},  {"a//b", "a///b", false}, {"a/", "a/", true},  {"a/", "a", false},
      {"a/*/b", "a//b", true}, {"**", "/", true},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.pattern << " and " << row.name) {
      BOOST_TEST(pattern(row.pattern, true).matches(row.name, kBob) == row.matches);
    }
  }
}

BOOST_AUTO_TEST_CASE(faulty_patterns_are_named) {
  constexpr const char* kEmpty = "has an empty segment";
  constexpr const char* kDots = "has a segment . or ..";
  constexpr const char* kRest = "** may only stand once, at the end";
  constexpr const char* kName = "{name} must be a whole segment, its name of a-z, 0-9 and _";
  struct Row {
    const char* pattern;
    const char* fault;
  };
  constexpr Row kRows[] = {
      {"", kEmpty},
      {"/", kEmpty},
      {"/a", kEmpty},
      {"a/", kEmpty},
      {"a//b", kEmpty},
      {"{user}//**", kEmpty},
      {".", kDots},
      {"../a", kDots},
      {"a/./b", kDots},
      {"a/..", kDots},
      {"a\\b", "has a backslash"},
      {"**/a", kRest},
      {"a/**/b", kRest},
      {"***", kRest},
      {"****", kRest},
      {"**.jpg", kRest},
      {"a**b", kRest},
      {"a*b**", kRest},
      {"**/**", kRest},
      {"{}", kName},
      {"{user", kName},
      {"user}", kName},
      {"}user{", kName},
      {"{user}x", kName},
      {"x{user}", kName},
      {"{user}{tenant}", kName},
      {"{{user}}", kName},
      {"{User}", kName},
      {"{us er}", kName},
      {"{us-er}", kName},
      {"{user}*", kName},
      {"{user}**", kName},
      {"{u\xc3\xa4}", kName},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.pattern) {
      std::string fault;
      BOOST_TEST(!NamePattern::parse(row.pattern, false, fault).has_value());
      BOOST_TEST(fault == row.fault);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_pattern_knows_its_parameters) {
  BOOST_TEST(pattern("a/{user}/**").has_parameter("user"));
  BOOST_TEST(!pattern("a/{user}/**").has_parameter("tenant"));
  BOOST_TEST(!pattern("user/**").has_parameter("user"));
}

// A backtracking matcher would take longer than the universe has existed.
BOOST_AUTO_TEST_CASE(no_pattern_makes_matching_slow) {
  const std::string name(1024, 'a');
  for (const std::string& text : {"*a*a*a*a*b"s, repeated("*a", 500) + "*b", repeated("a*", 500) + "b",
                                  std::string(512, 'a') + "*" + std::string(512, 'a') + "b"}) {
    BOOST_TEST_CONTEXT(text.substr(0, 20)) {
      BOOST_TEST(!pattern(text).matches(name, kBob));
    }
  }
  BOOST_TEST(pattern(repeated("*a", 500) + "*").matches(name, kBob));
}

BOOST_AUTO_TEST_CASE(text_is_what_was_parsed) {
  for (const char* text : {"**", "a", "*", "{user}/**", "in/*.jpg", "a/b**", "{a}/{b}/c*d/**", "a//b", "/"}) {
    std::string fault;
    const auto pattern = NamePattern::parse(text, true, fault);
    BOOST_TEST_CONTEXT(text) {
      BOOST_REQUIRE(pattern.has_value());
      BOOST_TEST(pattern->text() == text);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
