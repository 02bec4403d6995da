#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/unit/sas_samples.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::sas_samples;

BOOST_AUTO_TEST_SUITE(sas_signature_check_tests)

// What other signers do wrong, each found by trying it.
BOOST_AUTO_TEST_CASE(a_signature_of_something_else_tells_of_what) {
  const std::string lines =
      "cw\n\n2026-03-01T12:15:00Z\n/blob/acme/uploads/a b\n\n\nhttps\n2023-11-03\nb\n\n\n\n\n\n\n";
  const std::string url = "https://acme.blob.core.windows.net/uploads/a%20b?" + query_of(kService) + "&sig=";
  const auto key = *decode_base64(kDevelopmentKey);
  const struct {
    const char* name;
    std::string text;
    std::string faults;
  } rows[] = {
      {"a line feed at the end", lines + "\n", "sig: was computed with a line feed behind the last field"},
      {"the last field missing", lines.substr(0, lines.size() - 1),
       "rsct: the last field was left out when it was signed"},
      {"the encoded name", replaced(lines, "a b", "a%20b"),
       "resource: the encoded name was signed: the name must be decoded"},
      {"the container", replaced(lines, "/a b", ""),
       "resource: the container was signed, and sr says that it is a blob"},
      {"no /blob", replaced(lines, "/blob", ""), "resource: was signed without /blob in front"},
      {"without an expiry", replaced(lines, "2026-03-01T12:15:00Z", ""),
       "se: was changed after it was signed: the signature is for (empty)"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(faults(explain(url + escaped(signature_of(row.text, key)), circumstances())) == row.faults);
    }
  }
  // "the last field missing" is also the form without ses, and is found under its first name.
  const std::string text(kDevelopmentKey);
  BOOST_TEST(faults(explain(url + escaped(signature_of(lines, secret(text))), circumstances())) ==
             "sig: was made with the key's base64 text; the key is what that text decodes to");
  SasCircumstances alias = circumstances();
  alias.account = "acmeuploads";
  BOOST_TEST(faults(explain(url + escaped(signature_of(lines, key)), alias)) ==
             "resource: was signed with the account name of the host, acme");
}

BOOST_AUTO_TEST_CASE(without_a_key_the_signature_is_left_open) {
  SasCircumstances known = circumstances();
  known.keys.clear();
  const SasExplanation explanation = explain(signed_url(kService), known);
  BOOST_TEST(fault_fields(explanation) == "");
  BOOST_TEST(!explanation.is_verified);
  BOOST_REQUIRE(explanation.unchecked.size() == 1U);
  BOOST_TEST(explanation.unchecked[0] == "sig: whether it is right (no key for this account is at hand)");
}

BOOST_AUTO_TEST_CASE(a_key_of_another_time_is_not_tried) {
  const SasExplanation explanation =
      explain(signed_url(with(kDelegation, "skt", "2026-02-27T00:00:00Z")), circumstances());
  BOOST_TEST(fault_fields(explanation) == "");
  BOOST_TEST(!explanation.is_verified);
}

BOOST_AUTO_TEST_CASE(neither_signature_nor_key_is_told) {
  const std::string url = signed_url(kService);
  const std::string signature = unescaped(url.substr(url.find("&sig=") + 5));
  SasCircumstances known = circumstances();
  known.error = AzureError::find(azure_xml("x"));
  const SasExplanation explanation = explain(url, known);
  std::string all = faults(explanation);
  for (const Finding& finding : explanation.findings)
    all.append(finding.field).append(finding.what);
  for (const ComparedField& field : explanation.fields)
    all.append(field.ours).append(field.azures.value_or(""));
  for (const std::string& what : explanation.unchecked)
    all.append(what);
  BOOST_TEST(all.find(signature.substr(0, 8)) == std::string::npos);
  BOOST_TEST(all.find(kDevelopmentKey.substr(0, 8)) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
