#include <boost/test/unit_test.hpp>

#include "core/utc_time.hpp"

using namespace blobvalet;
using std::chrono::seconds;

BOOST_AUTO_TEST_SUITE(utc_time_tests)

BOOST_AUTO_TEST_CASE(times_are_written_and_read_in_one_form) {
  struct Row {
    const char* text;
    long long unix_time;
  };
  const Row rows[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1969-12-31T23:59:59Z", -1},
      {"2026-03-01T12:15:00Z", 1772367300},
      {"2024-02-29T23:59:59Z", 1709251199},
      {"2000-02-29T00:00:00Z", 951782400},
      {"2038-01-19T03:14:08Z", 2147483648},
      {"2099-12-31T23:59:59Z", 4102444799},
      {"9999-12-31T23:59:59Z", 253402300799},
      {"0000-01-01T00:00:00Z", -62167219200},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.text) {
      const UtcSeconds time{seconds(row.unix_time)};
      BOOST_TEST(UtcText(time).view() == row.text);
      BOOST_TEST((parse_utc(row.text) == time));
    }
  }
}

BOOST_AUTO_TEST_CASE(any_other_time_is_refused) {
  constexpr std::string_view kRows[] = {
      "",
      "2026-03-01",
      "2026-03-01T12:15Z",
      "2026-03-01T12:15:00",
      "2026-03-01T12:15:00z",
      "2026-03-01t12:15:00Z",
      "2026-03-01 12:15:00Z",
      "2026-03-01T12:15:00.0Z",
      "2026-03-01T12:15:00+00:00",
      "2026-03-01T12:15:00Z ",
      " 2026-03-01T12:15:00Z",
      "2026-3-001T12:15:00Z",
      "2026-13-01T12:15:00Z",
      "2026-00-01T12:15:00Z",
      "2026-03-00T12:15:00Z",
      "2026-04-31T12:15:00Z",
      "2026-02-29T12:15:00Z",
      "1900-02-29T12:15:00Z",
      "2026-03-01T24:00:00Z",
      "2026-03-01T12:60:00Z",
      "2026-03-01T12:15:60Z",
      "2026-03-01T-1:15:00Z",
      "2026-03-01T+1:15:00Z",
      "2026-03-01T1a:15:00Z",
      "2026/03/01T12:15:00Z",
      "2026-03-01T12.15.00Z",
      "20260301T121500Z",
      "-026-03-01T12:15:00Z",
      "now",
  };
  for (const std::string_view text : kRows) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_utc(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(dates_are_read_in_one_form) {
  constexpr std::string_view kRefused[] = {"",           "2023-11-3",  "2023-11-031",         "2023/11/03",
                                           "2023-11-31", "2023-02-29", "2023-00-10",          "20231103",
                                           "2023-11-0x", "+023-11-03", "2023-11-03T00:00:00Z"};
  for (const std::string_view text : kRefused) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!parse_date(text).has_value());
    }
  }
  using namespace std::chrono;
  BOOST_TEST((parse_date("2023-11-03") == sys_days(year(2023) / November / 3)));
  BOOST_TEST((parse_date("2024-02-29") == sys_days(year(2024) / February / 29)));
}

BOOST_AUTO_TEST_SUITE_END()
