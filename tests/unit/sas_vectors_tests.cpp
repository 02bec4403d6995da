#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <string>

#include "core/sas_vectors.hpp"

using namespace blobvalet;

namespace {

std::string golden() {
  std::ifstream file(BLOBVALET_VECTORS "/sas-vectors.json", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, "the vector file does not hold: " << from);
  return text.replace(at, from.size(), to);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sas_vectors_tests)

BOOST_AUTO_TEST_CASE(every_vector_of_the_official_sdk_passes) {
  const SasVectorReport report = SasVectorCheck::run(golden());
  BOOST_TEST(report.unreadable == "");
  BOOST_TEST(report.passed == 96U);
  for (const std::string& failure : report.failures)
    BOOST_ERROR(failure);
}

// The check must be able to fail, and name what differs.
BOOST_AUTO_TEST_CASE(a_changed_expectation_fails) {
  struct Row {
    const char* name;
    const char* from;
    const char* to;
    const char* failure;
  };
  const Row rows[] = {
      {"another signature", R"("signature": "3g8poh)", R"("signature": "4g8poh)", "svc-001: signature"},
      {"another expiry signed", R"("stringToSign": "cw\n\n2026-03-01T12:15:00Z)",
       R"("stringToSign": "cw\n\n2026-03-01T12:15:01Z)", "svc-001: string-to-sign"},
      {"another query value", R"("query": "sv=2018-11-09&se=)", R"("query": "sv=2018-11-08&se=)",
       "svc-001: query values"},
      {"a query parameter too many", R"("query": "sv=2018-11-09&se=)", R"("query": "x=1&sv=2018-11-09&se=)",
       "svc-001: query values"},
      {"another path", "net/uploads/hello.txt?", "net/uploads/hallo.txt?", "svc-001: urlHostStyle"},
      {"an unknown version", R"("version": "2018-11-09")", R"("version": "2015-04-05")",
       "svc-001: version, permissions or key cannot be read"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const SasVectorReport report = SasVectorCheck::run(replaced(golden(), row.from, row.to));
      BOOST_TEST(report.passed == 95U);
      BOOST_REQUIRE_EQUAL(report.failures.size(), 1U);
      BOOST_TEST(report.failures.front() == row.failure);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_unreadable_file_says_so) {
  for (const char* text : {"", "[]", "{}", R"({"vectors": 1})", "{"}) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(SasVectorCheck::run(text).unreadable != "");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
