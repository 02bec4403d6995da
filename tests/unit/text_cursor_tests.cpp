#include <stdexcept>

#include "core/text_cursor.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;

BOOST_AUTO_TEST_SUITE(text_cursor_tests)

BOOST_AUTO_TEST_CASE(the_text_ends_where_the_cursor_was) {
  std::string text = "a";
  TextCursor::append(text, 100, [](TextCursor end) { return end.put("bc").put("").put('d'); });
  BOOST_TEST(text == "abcd");
  TextCursor::append(text, 0, [](TextCursor end) { return end; });
  BOOST_TEST(text == "abcd");
}

BOOST_AUTO_TEST_CASE(a_function_may_write_less_than_it_asked_for) {
  std::string text;
  TextCursor::append(text, 5, [](TextCursor end) {
    return end
        .put_by(5,
                [](char* at) {
                  *at = 'x';
                  return at + 1;
                })
        .put("yz");
  });
  BOOST_TEST(text == "xyz");
}

BOOST_AUTO_TEST_CASE(nothing_is_written_behind_the_room) {
  struct Row {
    const char* name;
    std::size_t room;
    TextCursor (*write)(TextCursor);
  };
  constexpr Row kRows[] = {
      {"a text", 2, [](TextCursor end) { return end.put("abc"); }},
      {"a text behind another", 4, [](TextCursor end) { return end.put("abc").put("de"); }},
      {"a byte", 0, [](TextCursor end) { return end.put('a'); }},
      {"a byte behind a text", 3, [](TextCursor end) { return end.put("abc").put('d'); }},
      {"what a function asks for", 2,
       [](TextCursor end) { return end.put_by(3, [](char* at) { return at; }); }},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      std::string text;
      BOOST_CHECK_THROW(TextCursor::append(text, row.room, row.write), std::length_error);
      text.clear();
      TextCursor::append(text, row.room + 1, row.write);
      BOOST_TEST(text.size() <= row.room + 1);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
