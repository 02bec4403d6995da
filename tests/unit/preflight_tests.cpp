#include "core/preflight.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

BOOST_AUTO_TEST_SUITE(preflight_tests)

BOOST_AUTO_TEST_CASE(is_what_a_browser_sends) {
  const HttpCall call =
      Preflight{"https://acme/c/b", "https://a.example", "PUT", {"content-type", "x-ms-meta-a"}}.call(
          "ca.pem");
  BOOST_TEST(call.method == "OPTIONS");
  BOOST_TEST(call.url == "https://acme/c/b");
  BOOST_TEST(call.ca_file == "ca.pem");
  BOOST_TEST((call.headers ==
              std::vector<std::string>{"Origin: https://a.example", "Access-Control-Request-Method: PUT",
                                       "Access-Control-Request-Headers: content-type,x-ms-meta-a"}));
  BOOST_TEST((Preflight{"https://acme/", "https://a", "DELETE", {}}.call("").headers.size() == 2U));
}

BOOST_AUTO_TEST_CASE(answers) {
  struct Row {
    const char* name;
    const char* method;
    int status;
    const char* origin;
    const char* methods;
    const char* headers;
    const char* objection;
  };
  const std::vector<Row> rows{
      {"allowed", "PUT", 200, "https://a.example", "PUT,DELETE", "content-type,x-a", ""},
      {"allowed to everybody", "PUT", 204, "*", "PUT", "*", ""},
      {"headers in another case, with blanks", "PUT", 200, "https://a.example", "GET, PUT",
       "X-A , Content-Type", ""},
      {"a simple method that is not named", "GET", 200, "https://a.example", "", "content-type,x-a", ""},
      {"refused", "PUT", 403, "https://a.example", "PUT", "content-type,x-a", "the answer is 403"},
      {"a redirect", "PUT", 302, "https://a.example", "PUT", "content-type,x-a", "the answer is 302"},
      {"no origin", "PUT", 200, "", "PUT", "content-type,x-a", "the answer allows no origin"},
      {"another origin", "PUT", 200, "https://b.example", "PUT", "content-type,x-a",
       "the answer allows another origin"},
      {"an origin in another case", "PUT", 200, "https://A.example", "PUT", "content-type,x-a",
       "the answer allows another origin"},
      {"another method", "PUT", 200, "https://a.example", "GET,DELETE", "content-type,x-a",
       "the answer does not allow PUT"},
      {"a method in another case", "PUT", 200, "https://a.example", "put", "content-type,x-a",
       "the answer does not allow PUT"},
      {"a header less", "PUT", 200, "https://a.example", "PUT", "content-type",
       "the answer does not allow the header x-a"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Preflight preflight{"https://acme/c/b", "https://a.example", row.method, {"content-type", "x-a"}};
      const auto answer = http_answer(row.status, {{"access-control-allow-origin", row.origin},
                                                   {"access-control-allow-methods", row.methods},
                                                   {"access-control-allow-headers", row.headers}});
      BOOST_TEST(preflight.objection(answer) == row.objection);
    }
  }
  const Preflight preflight{"https://acme/c/b", "https://a.example", "PUT", {}};
  BOOST_TEST(preflight.objection(http_answer(403, {{"x-ms-error-code", "CorsPreflightFailure"}})) ==
             "the answer is 403 CorsPreflightFailure");
}

BOOST_AUTO_TEST_SUITE_END()
