#include <boost/test/unit_test.hpp>
#include <limits>
#include <string>

#include "fcgi/json_line.hpp"

using namespace blobvalet::fcgi;

namespace {

std::string line_with(std::string_view value) {
  JsonLine line;
  line.begin();
  line.text("v", value);
  return std::string(line.end());
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result.append(text);
  return result;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(json_line_tests)

BOOST_AUTO_TEST_CASE(fields_stand_in_their_order) {
  JsonLine line;
  line.begin();
  line.text("a", "x");
  line.number("b", -7);
  line.text("c", "y");
  BOOST_TEST(line.end() == "{\"a\":\"x\",\"b\":-7,\"c\":\"y\"}\n");
}

BOOST_AUTO_TEST_CASE(texts_are_an_object_and_may_be_empty) {
  JsonLine line;
  line.begin();
  const blobvalet::NamedValue values[] = {{"tenant", "a\"\xff"}, {"team", ""}};
  line.texts("vars", values);
  line.number("n", 1);
  BOOST_TEST(line.end() == "{\"vars\":{\"tenant\":\"a\\\"?\",\"team\":\"\"},\"n\":1}\n");
}

BOOST_AUTO_TEST_CASE(each_line_begins_anew) {
  JsonLine line;
  line.begin();
  line.text("a", "x");
  (void)line.end();
  line.begin();
  line.number("b", std::numeric_limits<std::int64_t>::min());
  BOOST_TEST(line.end() == "{\"b\":-9223372036854775808}\n");
  line.begin();
  BOOST_TEST(line.end() == "{}\n");
}

BOOST_AUTO_TEST_CASE(values_are_escaped) {
  struct Row {
    const char* name;
    std::string value;
    std::string line;
  };
  const Row rows[] = {
      {"plain", "a b", R"({"v":"a b"})"},
      {"empty: left out", "", "{}"},
      {"a quote and a backslash", R"(a"b\c)", R"({"v":"a\"b\\c"})"},
      {"line feeds, so that nobody forges a line", "a\r\n{\"v\":1}", R"({"v":"a\r\n{\"v\":1}"})"},
      {"control characters", std::string("\0\x01\x1b\t", 4), R"({"v":"\u0000\u0001\u001B\t"})"},
      {"characters beyond ASCII stay", "é日😀", R"({"v":"é日😀"})"},
      {"no UTF-8",
       "a\xff"
       "b",
       R"({"v":"a?b"})"},
      {"half a character at the end", "a\xc3", R"({"v":"a?"})"},
      {"a surrogate", "\xed\xa0\x80", R"({"v":"???"})"},
      {"one bad byte costs all that is beyond ASCII", "é\xff", R"({"v":"???"})"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(line_with(row.value) == row.line + "\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(long_values_are_cut_between_characters) {
  const auto shown = [](const std::string& value) { return "{\"v\":\"" + value + "\"}\n"; };
  BOOST_TEST(line_with(std::string(3100, 'x')) == shown(std::string(3100, 'x')));
  BOOST_TEST(line_with(std::string(3101, 'x')) == shown(std::string(3100, 'x')));
  BOOST_TEST(line_with(std::string(100000, 'x')) == shown(std::string(3100, 'x')));
  // 3,100 is 1,033 characters of three bytes and one byte.
  BOOST_TEST(line_with(repeat("日", 2000)) == shown(repeat("日", 1033)));
  BOOST_TEST(line_with("x" + repeat("日", 2000)) == shown("x" + repeat("日", 1033)));
  BOOST_TEST(line_with("xx" + repeat("日", 2000)) == shown("xx" + repeat("日", 1032)));
  BOOST_TEST(line_with(repeat("😀", 2000)) == shown(repeat("😀", 775)));
  BOOST_TEST(line_with(std::string(4000, '\x80')) == "{\"v\":\"\"}\n", "nothing but middles of characters");
}

BOOST_AUTO_TEST_SUITE_END()
