#include "core/azure_error_code.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

std::string code_in(const HttpAnswer& answer) {
  const auto code = known_error_code(answer);
  return code ? std::string(code->view()) : "none";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(azure_error_code_tests)

BOOST_AUTO_TEST_CASE(codes_are_of_a_list) {
  for (const char* code : {"AccountIsDisabled", "AuthorizationPermissionMismatch", "InvalidXmlNodeValue",
                           "ResourceNotFound", "SnapshotsPresent"}) {
    BOOST_TEST(code_in(http_answer(403, {{"x-ms-error-code", code}})) == code);
  }
  for (const char* code : {"", "ServerBusy", "accountisdisabled", "AccountIsDisabled ", "<script>", "a\nb"}) {
    BOOST_TEST(code_in(http_answer(403, {{"x-ms-error-code", code}})) == "none");
  }
  BOOST_TEST(code_in(http_answer(403)) == "none");
  BOOST_TEST(code_in(http_answer(403, {}, "AccountIsDisabled")) == "none");
}

BOOST_AUTO_TEST_SUITE_END()
