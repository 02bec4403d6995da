#include <boost/test/unit_test.hpp>
#include <string>

#include "core/utf8.hpp"

using namespace blobvalet;
using namespace std::literals;

namespace {

/// An encoder of the test's own; it also encodes what is no character.
std::string encode(unsigned c) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | ((c >> shift) & 0x3fU)); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0U | (c >> 6U)), tail(0)};
  if (c < 0x10000) return {byte(0xe0U | (c >> 12U)), tail(6), tail(0)};
  return {byte(0xf0U | (c >> 18U)), tail(12), tail(6), tail(0)};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(utf8_tests)

BOOST_AUTO_TEST_CASE(every_scalar_value_is_taken_and_nothing_else) {
  unsigned wrong = 0;
  for (unsigned c = 0; c < 0x120000; ++c) {
    const bool scalar = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    const std::string encoded = encode(c) + "x";
    std::string_view rest = encoded;
    const auto taken = take_code_point(rest);
    const bool right = scalar ? taken == static_cast<char32_t>(c) && rest == "x" : !taken;
    if (!right) ++wrong;
  }
  BOOST_TEST(wrong == 0U);
}

BOOST_AUTO_TEST_CASE(well_formed_text_is_accepted) {
  const std::string_view rows[] = {"",
                                   "plain",
                                   "\0"sv,
                                   "\x7f",
                                   "K\xc3\xb6ln",
                                   "\xe4\xb8\xad\xe6\x96\x87",
                                   "\xf0\x9f\x98\x80",
                                   "\xef\xbb\xbf",
                                   "\xf4\x8f\xbf\xbf"};
  for (const std::string_view text : rows) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(is_utf8(text));
    }
  }
}

// RFC 3629 section 3; each row stands alone, at the end, and before further text.
BOOST_AUTO_TEST_CASE(malformed_text_is_refused) {
  struct Row {
    const char* name;
    std::string_view text;
  };
  const Row rows[] = {
      {"overlong NUL", "\xc0\x80"},
      {"overlong slash, two bytes", "\xc0\xaf"},
      {"overlong slash, three bytes", "\xe0\x80\xaf"},
      {"overlong slash, four bytes", "\xf0\x80\x80\xaf"},
      {"overlong dot", "\xc0\xae"},
      {"overlong backslash", "\xc1\x9c"},
      {"last overlong of two bytes", "\xc1\xbf"},
      {"last overlong of three bytes", "\xe0\x9f\xbf"},
      {"last overlong of four bytes", "\xf0\x8f\xbf\xbf"},
      {"first surrogate", "\xed\xa0\x80"},
      {"last surrogate", "\xed\xbf\xbf"},
      {"a surrogate pair (CESU-8)", "\xed\xa0\xbd\xed\xb8\x80"},
      {"above U+10FFFF", "\xf4\x90\x80\x80"},
      {"a first byte F5", "\xf5\x80\x80\x80"},
      {"five bytes", "\xf8\x88\x80\x80\x80"},
      {"six bytes", "\xfc\x84\x80\x80\x80\x80"},
      {"byte FE", "\xfe"},
      {"byte FF", "\xff"},
      {"a continuation alone", "\x80"},
      {"a continuation too many", "\xc3\xa4\x80"},
      {"truncated after one of two", "\xc3"},
      {"truncated after one of three", "\xe4"},
      {"truncated after two of three", "\xe4\xb8"},
      {"truncated after three of four", "\xf0\x9f\x98"},
      {"a NUL within", "\xe4\0\xad"sv},
      {"Latin-1", "K\xf6ln"},
      {"UTF-16 with a mark", "\xff\xfe\x41\0"sv},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const std::string text(row.text);
      BOOST_TEST(!is_utf8(text));
      BOOST_TEST(!is_utf8("before" + text));
      BOOST_TEST(!is_utf8(text + "after"));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
