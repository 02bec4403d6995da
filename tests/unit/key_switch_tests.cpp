#include "core/key_switch.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kTwo =
    R"("type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"})";

std::string rule_of(std::string_view name) {
  return R"("rules": [{"name": ")" + std::string(name) +
         R"(", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"]}])";
}

/// A configuration with two accounts, the second of which has the credential `{...}` written as it is.
std::string config(std::string_view credential, const std::string& rest = rule_of("r")) {
  std::string text(R"({"accounts": [{"name": "first", "endpoint": "https://first", "credential": {)");
  text.append(kTwo).append(R"(}}, {"name": "acme", "endpoint": "https://acme", "credential": )");
  return text.append(credential).append("}],\n").append(rest).append("}\n");
}

/// The new text, or why there is none; `same` if that key signs already.
std::string switched(std::string_view json, std::optional<bool> to_next = {},
                     std::string_view account = "acme") {
  const auto result = switch_key(json, account, to_next);
  if (!result) return result.error();
  if (!result->changed) BOOST_TEST(result->text == json);
  return result->changed ? result->text : "same";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_switch_tests)

// Not a byte beside the value changes, whatever a file looks like.
BOOST_AUTO_TEST_CASE(layouts_stay_as_they_are) {
  struct Row {
    const char* name;
    const char* before;
    const char* after;
  };
  const Row rows[] = {
      {"on one line", R"({"type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}})",
       R"({"type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}, "use": "next"})"},
      {"with blanks inside",
       R"({ "type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"} })",
       R"({ "type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}, "use": "next" })"},
      {"without any blank", R"({"type":"shared_key","current":{"key_file":"a"},"next":{"key_file":"b"}})",
       R"({"type":"shared_key","current":{"key_file":"a"},"next":{"key_file":"b"},"use":"next"})"},
      {"a line for each",
       "{\n    \"next\": {\"key_file\": \"b\"},\n    \"current\": {\"key_file\": \"a\"},\n    \"type\": "
       "\"shared_key\"\n  }",
       "{\n    \"next\": {\"key_file\": \"b\"},\n    \"current\": {\"key_file\": \"a\"},\n    \"type\": "
       "\"shared_key\",\n    \"use\": \"next\"\n  }"},
      {"tabs and CRLF",
       "{\r\n\t\"type\":\t\"shared_key\",\r\n\t\"current\":\t{\"key_file\": \"a\"},\r\n\t\"next\":\t{ "
       "\"key_file\": \"b\" }\r\n}",
       "{\r\n\t\"type\":\t\"shared_key\",\r\n\t\"current\":\t{\"key_file\": \"a\"},\r\n\t\"next\":\t{ "
       "\"key_file\": \"b\" "
       "},\r\n\t\"use\":\t\"next\"\r\n}"},
      {"commas first",
       "{ \"type\": \"shared_key\"\n, \"current\": {\"key_file\": \"a\"}\n, \"next\": {\"key_file\": "
       "\"b\"}\n}",
       "{ \"type\": \"shared_key\"\n, \"current\": {\"key_file\": \"a\"}\n, \"next\": {\"key_file\": \"b\"}, "
       "\"use\": "
       "\"next\"\n}"},
      {"use is there, last",
       R"({"type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}, "use": "current"})",
       R"({"type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}, "use": "next"})"},
      {"use is there, first",
       R"({"use"  :  "current"  , "type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}})",
       R"({"use"  :  "next"  , "type": "shared_key", "current": {"key_file": "a"}, "next": {"key_file": "b"}})"},
      {"use is next",
       R"({"type": "shared_key", "use":"next", "current": {"key_file": "a"}, "next": {"key_file": "b"}})",
       R"({"type": "shared_key", "use":"current", "current": {"key_file": "a"}, "next": {"key_file": "b"}})"},
      {"written in escapes",
       R"({"type": "shared_key", "\u0075se": "n\u0065xt", "current": {"key_file": "a"}, "next": {"key_file": "b"}})",
       R"({"type": "shared_key", "\u0075se": "current", "current": {"key_file": "a"}, "next": {"key_file": "b"}})"},
      {"lookalikes in values",
       R"({"type": "shared_key", "current": {"key_file": "\"use\": \"current\""}, "next": {"key_file": "}, {use"}})",
       R"({"type": "shared_key", "current": {"key_file": "\"use\": \"current\""}, "next": {"key_file": "}, {use"}, "use": "next"})"},
      {"file names beyond ASCII",
       R"({"type": "shared_key", "current": {"key_file": "schlüssel 🗝"}, "next": {"key_file": "b"}, "use": "current"})",
       R"({"type": "shared_key", "current": {"key_file": "schlüssel 🗝"}, "next": {"key_file": "b"}, "use": "next"})"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const std::string before = config(row.before);
      BOOST_TEST(switched(before) == config(row.after));
      BOOST_TEST(switched(config(row.after), std::string_view(row.name) != "use is next" &&
                                                 std::string_view(row.name) != "written in escapes") ==
                 "same");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_account_is_found_among_others) {
  const std::string own = "{" + std::string(kTwo) + "}";
  const std::string own_next = "{" + std::string(kTwo) + R"(, "use": "next"})";
  for (const char* name : {"use", "acme", "accounts", "credential", "\\\"use\\\": \\\"current\\\""}) {
    BOOST_TEST_CONTEXT("a rule called " << name) {
      BOOST_TEST(switched(config(own, rule_of(name))) == config(own_next, rule_of(name)));
    }
  }
  const std::string other_way = config(own);
  const std::string first = switched(other_way, true, "first");
  BOOST_TEST(first.find(R"(, "use": "next"}}, {"name": "acme")") != std::string::npos);
  BOOST_TEST(switched(first, false, "first") ==
             std::string(first).replace(first.find(R"("use": "next")"), 13, R"("use": "current")"));
  // The rules may stand first, and an account's name behind its credential.
  const std::string odd = "{" + rule_of("use") + R"(, "accounts": [{"credential": )" + own +
                          R"(, "endpoint": "https://acme", "aliases": ["https://use"], "name": "acme"}]})";
  const std::string odd_next =
      "{" + rule_of("use") + R"(, "accounts": [{"credential": )" + own_next +
      R"(, "endpoint": "https://acme", "aliases": ["https://use"], "name": "acme"}]})";
  BOOST_TEST(switched(odd) == odd_next);
}

BOOST_AUTO_TEST_CASE(the_key_is_the_other_one_or_the_one_that_is_named) {
  const std::string current = config("{" + std::string(kTwo) + "}");
  const std::string next = config("{" + std::string(kTwo) + R"(, "use": "next"})");
  const std::string named = config("{" + std::string(kTwo) + R"(, "use": "current"})");
  BOOST_TEST(switched(current) == next);
  BOOST_TEST(switched(current, true) == next);
  BOOST_TEST(switched(current, false) == "same");
  BOOST_TEST(switched(named, false) == "same");
  BOOST_TEST(switched(next) == named);
  BOOST_TEST(switched(next, false) == named);
  BOOST_TEST(switched(next, true) == "same");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_switched_is_refused) {
  const std::string two = "{" + std::string(kTwo) + "}";
  const char* only_one = "this account has one key only; give two, as credential.current and credential.next";
  const char* identity = "an identity fetches this account's keys, so there is none to switch to";
  struct Row {
    const char* name;
    std::string json;
    const char* account;
    std::string why;
  };
  const Row rows[] = {
      {"no such account", config(two), "acm", "the configuration has no account of this name"},
      {"no account at all", config(two), "", "the configuration has no account of this name"},
      {"a rule of that name", config(two, rule_of("uploads")), "uploads",
       "the configuration has no account of this name"},
      {"one key", config(R"({"type": "shared_key", "key_file": "a"})"), "acme", only_one},
      {"one key under current", config(R"({"type": "shared_key", "current": {"key_file": "a"}})"), "acme",
       only_one},
      {"an identity", config(R"({"type": "default"})"), "acme", identity},
      {"a faulty configuration", config("{}"), "acme",
       "the configuration is faulty; accounts[1].credential.type: is missing; it must be shared_key, "
       "managed_identity, workload_identity, client_secret or default"},
      {"no JSON", "{", "acme",
       "the configuration is faulty; line 1, column 2: Missing a name for object member."},
      {"an account twice",
       config(two + R"(}, {"name": "acme", "endpoint": "https://b", "credential": {"type": "default"})"),
       "acme", "the configuration is faulty; accounts[2].name: is the name of an earlier account"},
      {"use twice", config("{" + std::string(kTwo) + R"(, "use": "next", "use": "current"})"), "acme",
       "the configuration is faulty; accounts[1].credential.use: stands there twice"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(switched(row.json, true, row.account) == row.why);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
