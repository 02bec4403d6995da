#include <boost/test/unit_test.hpp>
#include <string>

#include "core/form_urlencoded.hpp"

using namespace blobvalet;

namespace {

/// All pairs as `(name|value)`.
std::string walk(std::string_view form) {
  std::string pairs;
  FormReader reader(form);
  while (const auto pair = reader.next()) {
    pairs.append("(").append(pair->name).append("|").append(pair->value).append(")");
  }
  return pairs;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(form_urlencoded_tests)

BOOST_AUTO_TEST_CASE(a_form_is_cut_into_pairs) {
  struct Row {
    const char* name;
    const char* form;
    const char* pairs;
  };
  const Row rows[] = {
      {"nothing", "", ""},
      {"one pair", "a=1", "(a|1)"},
      {"two pairs", "a=1&b=2", "(a|1)(b|2)"},
      {"empty pairs", "&&a=1&&&b=2&", "(a|1)(b|2)"},
      {"only separators", "&&&&", ""},
      {"no equals sign", "a&b", "(a|)(b|)"},
      {"no value", "a=", "(a|)"},
      {"no name", "=1", "(|1)"},
      {"only an equals sign", "=", "(|)"},
      {"an equals sign in the value", "a=b=c", "(a|b=c)"},
      {"equals signs only in the value", "a===", "(a|==)"},
      {"a repeated name", "a=1&a=2", "(a|1)(a|2)"},
      {"nothing is decoded", "a%3D+=%26+", "(a%3D+|%26+)"},
      {"a semicolon is no separator", "a=1;b=2", "(a|1;b=2)"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(walk(row.form) == row.pairs);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_end_stays_the_end) {
  FormReader reader("a=1");
  BOOST_TEST(reader.next().has_value());
  BOOST_TEST(!reader.next().has_value());
  BOOST_TEST(!reader.next().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
