#include "core/nested_params.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

std::string json_of(const Params& params) {
  const auto json = nested_json(params);
  return json ? *json : show(json);
}

constexpr const char* kConflict = "bad_request | body | has a key both as a value and as an object | ";

struct Row {
  const char* name;
  Params params;
  std::string json;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(nested_params_tests)

BOOST_AUTO_TEST_CASE(brackets_become_objects) {
  const Row rows[] = {
      {"none", {}, "{}"},
      {"plain", {{"a", "1"}, {"b", "2"}}, R"({"a":"1","b":"2"})"},
      {"in the order sent", {{"b", "2"}, {"a", "1"}}, R"({"b":"2","a":"1"})"},
      {"nested", {{"user[name]", "bob"}}, R"({"user":{"name":"bob"}})"},
      {"nested deep", {{"user[deep][x]", "1"}, {"user[n]", "2"}}, R"({"user":{"deep":{"x":"1"},"n":"2"}})"},
      {"a list", {{"tags[0]", "a"}, {"tags[1]", "b"}}, R"({"tags":{"0":"a","1":"b"}})"},
      {"a list of objects", {{"t[0][n]", "a"}, {"t[1][n]", "b"}}, R"({"t":{"0":{"n":"a"},"1":{"n":"b"}}})"},
      {"apart", {{"a[x]", "1"}, {"b", "2"}, {"a[y]", "3"}}, R"({"a":{"x":"1","y":"3"},"b":"2"})"},
      {"all values are text",
       {{"a", "null"}, {"b", "true"}, {"c", "1e3"}},
       R"({"a":"null","b":"true","c":"1e3"})"},
      {"the same name at two levels", {{"a[a]", "1"}, {"b", "2"}}, R"({"a":{"a":"1"},"b":"2"})"},
      {"empty values", {{"a", ""}, {"b[c]", ""}}, R"({"a":"","b":{"c":""}})"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(json_of(row.params) == row.json);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_key_is_a_value_or_an_object) {
  const Row rows[] = {
      {"the value first", {{"a", "1"}, {"a[b]", "2"}}, kConflict},
      {"the object first", {{"a[b]", "2"}, {"a", "1"}}, kConflict},
      {"the value first, below", {{"x[a]", "1"}, {"x[a][b]", "2"}}, kConflict},
      {"the object first, below", {{"x[a][b]", "2"}, {"x[a]", "1"}}, kConflict},
      {"two levels above", {{"a", "1"}, {"a[b][c]", "2"}}, kConflict},
      {"two levels below", {{"a[b][c]", "2"}, {"a", "1"}}, kConflict},
      {"an empty value is a value", {{"a", ""}, {"a[b]", "2"}}, kConflict},
      {"an empty name", {{"a[]", "1"}, {"a[][b]", "2"}}, kConflict},
      {"far apart", {{"a", "1"}, {"b", "2"}, {"c[d]", "3"}, {"a[b]", "2"}}, kConflict},
      {"twice the same", {{"a", "1"}, {"a", "1"}}, kConflict},
      {"twice the same, below", {{"a[b]", "1"}, {"a[b]", "2"}}, kConflict},
      {"alike is not the same",
       {{"a", "1"}, {"a ", "1"}, {"A[b]", "1"}},
       R"({"a":"1","a ":"1","A":{"b":"1"}})"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(json_of(row.params) == row.json);
    }
  }
}

// An application in JavaScript may merge what it is sent into other objects.
BOOST_AUTO_TEST_CASE(what_would_reach_a_prototype_is_left_out) {
  const Row rows[] = {
      {"alone", {{"__proto__", "1"}}, "{}"},
      {"as an object", {{"__proto__[admin]", "1"}}, "{}"},
      {"below", {{"a[__proto__]", "1"}}, "{}"},
      {"below, as an object", {{"a[__proto__][admin]", "1"}}, "{}"},
      {"far below", {{"a[b][c][__proto__][d][e]", "1"}}, "{}"},
      {"in a list", {{"a[0][__proto__]", "1"}}, "{}"},
      {"twice", {{"__proto__[__proto__]", "1"}}, "{}"},
      {"by the constructor", {{"constructor[prototype]", "1"}}, "{}"},
      {"by the constructor, deeper", {{"constructor[prototype][admin]", "1"}}, "{}"},
      {"by a constructor below", {{"a[constructor][prototype][admin]", "1"}}, "{}"},
      {"by the constructor's constructor", {{"constructor[constructor][prototype]", "1"}}, "{}"},
      {"the others stay",
       {{"a", "1"}, {"__proto__[x]", "2"}, {"b[__proto__]", "3"}, {"b[c]", "4"}},
       R"({"a":"1","b":{"c":"4"}})"},
      {"no conflict with what is left out", {{"a", "1"}, {"a[__proto__]", "2"}}, R"({"a":"1"})"},
      {"a constructor stays", {{"constructor", "1"}}, R"({"constructor":"1"})"},
      {"a constructor's other members stay", {{"constructor[name]", "1"}}, R"({"constructor":{"name":"1"}})"},
      {"a prototype stays", {{"prototype", "1"}}, R"({"prototype":"1"})"},
      {"a prototype of something else stays", {{"a[prototype][x]", "1"}}, R"({"a":{"prototype":{"x":"1"}}})"},
      {"not directly below",
       {{"constructor[x][prototype]", "1"}},
       R"({"constructor":{"x":{"prototype":"1"}}})"},
      {"the other way round", {{"prototype[constructor]", "1"}}, R"({"prototype":{"constructor":"1"}})"},
      {"another case",
       {{"__PROTO__", "1"}, {"Constructor[prototype]", "2"}},
       R"({"__PROTO__":"1","Constructor":{"prototype":"2"}})"},
      {"longer", {{"__proto__x", "1"}, {" __proto__", "2"}}, R"({"__proto__x":"1"," __proto__":"2"})"},
      {"a value", {{"a", "__proto__"}}, R"({"a":"__proto__"})"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(json_of(row.params) == row.json);
    }
  }
}

BOOST_AUTO_TEST_CASE(names_that_pollute_are_few) {
  struct Names {
    const char* parent;
    const char* name;
    bool pollutes;
  };
  const Names rows[] = {
      {"", "__proto__", true},
      {"a", "__proto__", true},
      {"__proto__", "__proto__", true},
      {"constructor", "__proto__", true},
      {"constructor", "prototype", true},
      {"", "prototype", false},
      {"a", "prototype", false},
      {"", "constructor", false},
      {"prototype", "constructor", false},
      {"constructor", "name", false},
      {"", "", false},
      {"", "proto", false},
      {"constructor", "Prototype", false},
  };
  for (const Names& row : rows) {
    BOOST_TEST(pollutes_prototypes(row.parent, row.name) == row.pollutes, row.parent << "." << row.name);
  }
}

BOOST_AUTO_TEST_CASE(any_text_is_carried) {
  const Row rows[] = {
      {"quotes", {{"a\"b", "c\"d"}}, R"({"a\"b":"c\"d"})"},
      {"backslashes", {{"a\\b", "c\\d"}}, R"({"a\\b":"c\\d"})"},
      {"line ends", {{"a\nb", "c\r\nd\t"}}, R"({"a\nb":"c\r\nd\t"})"},
      {"control characters", {{"a", "\x01\x1f\x7f"}}, "{\"a\":\"\\u0001\\u001F\x7f\"}"},
      {"UTF-8",
       {{"\xc3\xa4", "\xe4\xb8\xad \xf0\x9f\x98\x80"}},
       "{\"\xc3\xa4\":\"\xe4\xb8\xad \xf0\x9f\x98\x80\"}"},
      {"line separators", {{"a", "\xe2\x80\xa8"}}, "{\"a\":\"\xe2\x80\xa8\"}"},
      {"markup", {{"a", "</script><!--"}}, R"({"a":"</script><!--"})"},
      {"an empty name", {{"", "1"}}, R"({"":"1"})"},
      {"an empty name below", {{"a[]", "1"}}, R"({"a":{"":"1"}})"},
      {"empty names all the way", {{"a[][][]", "1"}}, R"({"a":{"":{"":{"":"1"}}}})"},
      {"dots", {{"a.b[c.d]", "1"}}, R"({"a.b":{"c.d":"1"}})"},
      {"blanks", {{" a [ b ]", " 1 "}}, R"({" a ":{" b ":" 1 "}})"},
      {"our own names", {{"id", "1"}, {"verified", "true"}}, R"({"id":"1","verified":"true"})"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(json_of(row.params) == row.json);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_deepest_form_and_the_widest_one) {
  std::string key = "a";
  std::string json = "{\"a\":";
  for (int i = 1; i < 64; ++i) {
    key += "[b]";
    json += "{\"b\":";
  }
  BOOST_TEST(json_of({{key, "1"}}) == json + "\"1\"" + std::string(64, '}'));

  Params many;
  for (int i = 0; i < 4096; ++i)
    many.emplace_back("k" + std::to_string(i), "v");
  const auto wide = nested_json(many);
  BOOST_REQUIRE(wide.has_value());
  BOOST_TEST(wide->starts_with(R"({"k0":"v","k1":"v",)"));
  BOOST_TEST(wide->ends_with(R"("k4095":"v"})"));
}

BOOST_AUTO_TEST_SUITE_END()
