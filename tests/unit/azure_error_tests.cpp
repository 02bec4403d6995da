#include <boost/test/unit_test.hpp>
#include <string>

#include "core/azure_error.hpp"

using namespace blobvalet;

namespace {

std::string show(const std::optional<AzureError>& error) {
  if (!error) return "none";
  std::string text(error->code);
  if (!error->time.empty()) text.append(" at ").append(error->time);
  if (error->string_to_sign) text.append(" signed ").append(*error->string_to_sign);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(azure_error_tests)

BOOST_AUTO_TEST_CASE(errors_are_found_in_whatever_shows_them) {
  const struct {
    const char* name;
    std::string text;
    std::string found;
  } rows[] = {
      {"XML",
       "<Error><Code>BlobNotFound</Code><Message>No.\nRequestId:1\nTime:2026-03-01T12:00:00.1Z</Message></"
       "Error>",
       "BlobNotFound at 2026-03-01T12:00:00Z"},
      {"a byte order mark", "\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code></Error>",
       "ServerBusy"},
      {"a code that is not known here", "<Error><Code>SomethingNew</Code></Error>", "SomethingNew"},
      {"a header", "< x-ms-error-code: AuthorizationFailure\r\n", "AuthorizationFailure"},
      {"an SDK's JSON",
       R"({"code":"AuthenticationFailed","authenticationErrorDetail":"Signature did not match. String to sign used was cw\n\nx"})",
       "AuthenticationFailed signed cw\n\nx"},
      {"the detail alone", "Signature did not match. String to sign used was a\nb",
       "AuthenticationFailed signed a\nb"},
      {"references",
       "<Code>AuthenticationFailed</Code><AuthenticationErrorDetail>String to sign used was "
       "a&amp;b&#xA;&lt;c</Authen",
       "AuthenticationFailed signed a&b\n<c"},
      {"nothing", "", "none"},
      {"a word with a code in it", "MyServerBusyness", "none"},
      {"other words", "it does not work", "none"},
      {"an empty code", "<Code></Code>", "none"},
  };
  for (const auto& row : rows)
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(show(AzureError::find(row.text)) == row.found);
    }
}

BOOST_AUTO_TEST_CASE(codes_that_uploads_meet_are_explained) {
  for (const char* code :
       {"AuthenticationFailed", "AuthorizationFailure", "AuthorizationPermissionMismatch",
        "AuthorizationProtocolMismatch", "AuthorizationSourceIPMismatch", "AuthorizationResourceTypeMismatch",
        "AuthorizationServiceMismatch", "BlobNotFound", "ContainerNotFound", "InvalidQueryParameterValue",
        "CorsPreflightFailure", "UnauthorizedBlobOverwrite", "KeyBasedAuthenticationNotPermitted",
        "InvalidMetadata", "RequestBodyTooLarge", "InvalidBlockList"}) {
    BOOST_TEST_CONTEXT(code) {
      const AzureErrorRow* row = find_azure_error(code);
      BOOST_REQUIRE(row != nullptr);
      BOOST_TEST(!row->means.empty());
      BOOST_TEST(!row->mend.empty());
    }
  }
  BOOST_TEST(find_azure_error("Nothing") == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
