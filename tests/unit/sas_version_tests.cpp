#include <boost/test/unit_test.hpp>

#include "core/sas_version.hpp"

using namespace blobvalet;

BOOST_AUTO_TEST_SUITE(sas_version_tests)

// A version may be any date of the range: the service publishes a new one every few months.
BOOST_AUTO_TEST_CASE(the_date_decides_which_fields_are_signed) {
  struct Row {
    const char* version;
    const char* blocks;
  };
  constexpr Row kRows[] = {
      {"2018-11-09", ""},
      {"2020-02-09", ""},
      {"2020-02-10", "object-ids "},
      {"2020-12-05", "object-ids "},
      {"2020-12-06", "object-ids scope "},
      {"2023-11-03", "object-ids scope "},
      {"2025-07-04", "object-ids scope "},
      {"2025-07-05", "object-ids scope delegated-user "},
      {"2026-04-05", "object-ids scope delegated-user "},
      {"2026-04-06", "object-ids scope delegated-user headers "},
      {"2026-10-06", "object-ids scope delegated-user headers "},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.version) {
      const auto version = SasVersion::parse(row.version);
      BOOST_REQUIRE(version.has_value());
      BOOST_TEST(version->view() == row.version);
      std::string blocks;
      if (version->signs_authorized_object_ids()) blocks += "object-ids ";
      if (version->signs_encryption_scope()) blocks += "scope ";
      if (version->signs_delegated_user()) blocks += "delegated-user ";
      if (version->signs_request_headers()) blocks += "headers ";
      BOOST_TEST(blocks == row.blocks);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_default_is_a_version_that_everything_knows) {
  BOOST_TEST(SasVersion().view() == "2023-11-03");
  BOOST_TEST(SasVersion::parse(SasVersion::kDefault).has_value());
}

BOOST_AUTO_TEST_CASE(versions_whose_fields_are_unknown_are_refused) {
  constexpr std::string_view kRows[] = {
      "",
      "2018-11-08",
      "2015-04-05",
      "2012-02-12",
      "2026-10-07",
      "2027-01-01",
      "9999-12-31",
      "2023-02-30",
      "2023-13-01",
      "2023-11-3",
      "2023-11-03 ",
      " 2023-11-03",
      "2023/11/03",
      "20231103",
      "latest",
      "2023-11-03T00:00:00Z",
      "2023-11-03\n",
  };
  for (const std::string_view text : kRows) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!SasVersion::parse(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
