#include <boost/test/unit_test.hpp>

#include "core/sas_permissions.hpp"

using namespace blobvalet;

BOOST_AUTO_TEST_SUITE(sas_permissions_tests)

// Azure refuses a SAS whose letters stand in another order than `racwdxyltfmeopi`.
BOOST_AUTO_TEST_CASE(letters_print_in_the_canonical_order) {
  struct Row {
    const char* given;
    const char* printed;
  };
  constexpr Row kRows[] = {
      {"", ""},       {"c", "c"},
      {"cw", "cw"},   {"wc", "cw"},
      {"twc", "cwt"}, {"txdwcar", "racwdxt"},
      {"xd", "dx"},   {"ipoemftlyxdwcar", "racwdxyltfmeopi"},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.given) {
      const auto permissions = SasPermissions::parse(row.given);
      BOOST_REQUIRE(permissions.has_value());
      BOOST_TEST(permissions->text() == row.printed);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_letters_are_refused) {
  using namespace std::literals;
  constexpr std::string_view kRows[] = {
      "cc", "cwc",  "racwdxyltfmeopii", "C", "CW", "z", "cz", "c w", " ", "c,w", "cw\n",
      "1",  "\0"sv, "\xc3\xa4"};
  for (const std::string_view letters : kRows) {
    BOOST_TEST_CONTEXT(letters) {
      BOOST_TEST(!SasPermissions::parse(letters).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_set_of_letters_can_be_asked) {
  const auto permissions = SasPermissions::parse("cw");
  BOOST_REQUIRE(permissions.has_value());
  BOOST_TEST(permissions->has('c'));
  BOOST_TEST(!permissions->has('d'));
  BOOST_TEST(permissions->within("cw"));
  BOOST_TEST(permissions->within("twc"));
  BOOST_TEST(!permissions->within("c"));
  BOOST_TEST(!permissions->within(""));
  BOOST_TEST(SasPermissions().within(""));
  BOOST_TEST(SasPermissions().text() == "");
}

BOOST_AUTO_TEST_SUITE_END()
