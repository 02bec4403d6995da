#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <string>
#include <type_traits>

#include "core/static_text.hpp"

using namespace blobvalet;

namespace {

template <std::size_t N>
struct Literal {
  consteval Literal(const char (&text)[N]) { std::copy_n(text, N, bytes); }
  char bytes[N]{};
};

/// True if the compiler takes StaticText("...").
template <Literal text>
constexpr bool kCompiles = requires {
  typename std::bool_constant<(StaticText(text.bytes), true)>;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(static_text_tests)

BOOST_AUTO_TEST_CASE(only_literals_that_json_takes_as_they_are_compile) {
  static_assert(kCompiles<"">);
  static_assert(kCompiles<"plain: text, with 'quotes' and a ~">);
  static_assert(!kCompiles<"a \" quote">);
  static_assert(!kCompiles<"a \\ backslash">);
  static_assert(!kCompiles<"a line\nfeed">);
  static_assert(!kCompiles<"a \t tab">);
  static_assert(!kCompiles<"\x01">);
  static_assert(!kCompiles<"\x7f">);
  static_assert(!kCompiles<"\xc3\xa4">);
  static_assert(!std::is_constructible_v<StaticText, std::string>);
  static_assert(!std::is_constructible_v<StaticText, std::string_view>);
  static_assert(!std::is_default_constructible_v<StaticText>);

  constexpr StaticText kText("must be PUT or DELETE");
  BOOST_TEST(kText.view() == "must be PUT or DELETE");
  BOOST_TEST(!kText.empty());
  BOOST_TEST(StaticText("").empty());
}

BOOST_AUTO_TEST_SUITE_END()
