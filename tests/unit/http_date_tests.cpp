#include "core/http_date.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

BOOST_AUTO_TEST_SUITE(http_date_tests)

BOOST_AUTO_TEST_CASE(dates_are_read) {
  struct Row {
    const char* text;
    const char* time;
  };
  const Row rows[] = {
      {"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
      {"Sun, 01 Mar 2026 00:00:00 GMT", "2026-03-01T00:00:00Z"},
      {"Tue, 29 Feb 2028 23:59:59 GMT", "2028-02-29T23:59:59Z"},
      {"Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.text) {
      BOOST_TEST((parse_http_date(row.text) == at(row.time)));
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_else_is_a_date) {
  for (const char* text :
       {"", "now", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET",
        "06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "1994-11-06T08:49:37Z", "Mon, 30 Feb 2026 12:00:00 GMT", "Sun, 29 Feb 2026 12:00:00 GMT",
        "Sun, 01 Foo 2026 12:00:00 GMT", "Sun, 00 Mar 2026 12:00:00 GMT", "Sun, 01 Mar 2026 24:00:00 GMT",
        "Sun, 01 Mar 2026 12:60:00 GMT", "Sun, 01 Mar 2026 12:00:00 GMT "}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_http_date(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
