#include "core/session_request.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

BOOST_AUTO_TEST_SUITE(session_request_tests)

BOOST_AUTO_TEST_CASE(container_stands_in_the_query_exactly_once) {
  struct Row {
    const char* name;
    const char* query;
    std::string outcome;
  };
  const Row rows[] = {
      {"alone", "container=https%3A%2F%2Facme%2Fuploads", "https://acme/uploads"},
      {"with a timestamp", "container=a&qqtimestamp=1", "a"},
      {"behind others", "x=1&y[]=2&container=a", "a"},
      {"form-encoded", "container=a+b%2Bc", "a b+c"},
      {"an escaped name", "c%6fntainer=a", "a"},
      {"empty", "container=", ""},
      {"empty pairs", "&&container=a&&", "a"},
      {"no query", "", "missing_parameter"},
      {"another case", "Container=a", "missing_parameter"},
      {"only others", "qqtimestamp=1", "missing_parameter"},
      {"twice", "container=a&container=a", "duplicate_parameter"},
      {"twice, once escaped", "container=a&%63ontainer=b", "duplicate_parameter"},
      {"a malformed escape", "container=%2", "bad_encoding"},
      {"a malformed escape in a name", "%zz=1&container=a", "bad_encoding"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      std::string buffer;
      const auto parsed = SessionRequest::parse(row.query, buffer);
      BOOST_TEST((parsed ? parsed->container : code_of(parsed)) == row.outcome);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
