#include <boost/test/unit_test.hpp>
#include <string>

#include "tests/unit/golden.hpp"
#include "tests/unit/sas_samples.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::sas_samples;

BOOST_AUTO_TEST_SUITE(sas_explanation_tests)

BOOST_AUTO_TEST_CASE(what_is_right_has_no_fault_and_is_verified) {
  const struct {
    const char* name;
    std::string url;
  } rows[] = {
      {"service", signed_url(kService)},
      {"user delegation", signed_url(kDelegation)},
      {"in quotes, behind words", "the url is \"" + signed_url(kService) + "\", thanks"},
      {"with what Fine Uploader appends", signed_url(kService) + "&comp=block&blockid=MDAwMDA%3D"},
      {"another order",
       kUrl + "?sig=" + replaced(signed_url(kService), kUrl + "?" + query_of(kService) + "&sig=", "") + "&" +
           query_of(kService)},
      {"a start", signed_url(with(kService, "st", "2026-03-01T11:45:00Z"))},
      {"a time in minutes", signed_url(with(kService, "se", "2026-03-01T12:15Z"))},
      {"a date", signed_url(with(kService, "se", "2026-03-02"))},
      {"fractions of a second", signed_url(with(kService, "se", "2026-03-01T12:15:00.123Z"))},
      {"no spr", signed_url(without(kService, "spr"))},
      {"an encoded name", signed_url(kService, "https://acme.blob.core.windows.net/uploads/b%20%C3%B6%2525")},
      {"a container's", signed_url(with(kService, "sr", "c"))},
      {"the oldest version", signed_url(with(kService, "sv", "2018-11-09"))},
      {"the newest version", signed_url(with(kService, "sv", "2026-10-06"))},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const SasExplanation explanation = explain(row.url, circumstances());
      BOOST_TEST(fault_fields(explanation) == "");
      BOOST_TEST(explanation.is_verified);
    }
  }
}

BOOST_AUTO_TEST_CASE(azures_string_to_sign_is_held_against_ours) {
  const std::string url = signed_url(kService, "https://acme.blob.core.windows.net/uploads/a%20b");
  const std::string text =
      "cw\n\n2026-03-01T12:15:00Z\n/blob/acme/uploads/a b\n\n\nhttps\n2023-11-03\nb\n\n\n\n\n\n\n";
  const auto differs = [](const std::string& ours, const std::string& azures) {
    return "is \"" + ours + "\" here and \"" + azures + "\" in Azure's string-to-sign";
  };
  const struct {
    const char* name;
    std::string text;
    std::string faults;
  } rows[] = {
      {"the same", text, ""},
      {"the same, empty lines lost", "cw\n2026-03-01T12:15:00Z\n/blob/acme/uploads/a b\nhttps\n2023-11-03\nb",
       ""},
      {"the same, in XML with references", replaced(text, "\n", "&#10;"), ""},
      {"other letters", replaced(text, "cw", "w"), "sp: " + differs("cw", "w")},
      {"another expiry", replaced(text, "12:15", "12:16"),
       "se: " + differs("2026-03-01T12:15:00Z", "2026-03-01T12:16:00Z")},
      {"the name encoded", replaced(text, "a b", "a%20b"),
       "resource: " + differs("/blob/acme/uploads/a b", "/blob/acme/uploads/a%20b") +
           "; Azure read a name that was encoded once more than it should be"},
      {"another case", replaced(text, "a b", "A b"),
       "resource: " + differs("/blob/acme/uploads/a b", "/blob/acme/uploads/A b") +
           "; they differ in upper and lower case, which counts"},
      {"another account", replaced(text, "acme", "acmeuploads"),
       "resource: " + differs("/blob/acme/uploads/a b", "/blob/acmeuploads/uploads/a b") +
           "; the account is another one: accounts[].name must be the account's own name, not an alias of "
           "it"},
      {"both changed: the first is told", replaced(replaced(text, "cw", "w"), "https", "http"),
       "sp: " + differs("cw", "w")},
      {"collapsed, and another value",
       "cw\n2026-03-01T12:16:00Z\n/blob/acme/uploads/a b\nhttps\n2023-11-03\nb",
       "se: " + differs("2026-03-01T12:15:00Z", "2026-03-01T12:16:00Z")},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      SasCircumstances known = circumstances();
      known.error = AzureError::find(azure_xml(row.text));
      BOOST_TEST(faults(explain(url, known)) == row.faults);
    }
  }
}

BOOST_AUTO_TEST_CASE(azures_clock_counts_where_it_is_told) {
  SasCircumstances known = circumstances();
  known.now = at("2027-01-01T00:00:00Z");
  known.error = AzureError::find(azure_xml("x"));
  BOOST_TEST(fault_fields(explain(signed_url(kService), known)) == "");
  known.error.reset();
  BOOST_TEST(fault_fields(explain(signed_url(kService), known)) == "se");
}

BOOST_AUTO_TEST_CASE(an_error_without_its_url_still_tells_of_its_fields) {
  const auto faults_of = [](const std::string& text) {
    SasCircumstances known = circumstances();
    known.error = AzureError::find(azure_xml(text));
    return faults(explain_error(known));
  };
  const std::string text =
      "cw\n\n2026-03-01T12:15:00Z\n/blob/acme/uploads/a b\n\n\nhttps\n2023-11-03\nb\n\n\n\n\n\n\n";
  BOOST_TEST(faults_of(text) == "");
  BOOST_TEST(faults_of(replaced(text, "12:15", "11:59")) ==
             "se: expired 60 s ago: sas.put_lifetime_seconds must cover the wait in the page's queue");
  BOOST_TEST(faults_of(replaced(text, "cw", "d")) == "sp: lacks c or w for Put Blob");
  BOOST_TEST(faults_of("acme\nrw\nb\nsco\n\n2026-03-01\n\n\n2022-11-02\n\n") == "");
}

// A second before it ends each of them was valid.
SasCircumstances circumstances_of(const GoldenSas& sas) {
  SasCircumstances known;
  const auto url = SasUrl::parse(sas.url);
  const auto expiry = parse_utc(url->value("se"));
  known.now = expiry ? *expiry - std::chrono::seconds(1) : at("2026-03-01T12:00:00Z");
  known.account = sas.account;
  known.keys = {{"the vector's key", sas.key}};
  for (const auto& [name, value] : sas.headers)
    known.headers.push_back({name, value});
  return known;
}

/// Two vectors of random values have an address range that ends before it begins.
std::string faults_of_its_own(const GoldenSas& sas) {
  return sas.id == "svc-038" || sas.id == "udk-028" ? "sip" : "";
}

BOOST_AUTO_TEST_CASE(every_golden_vector_is_right) {
  for (const GoldenSas& sas : golden_sas()) {
    BOOST_TEST_CONTEXT(sas.id) {
      SasCircumstances known = circumstances_of(sas);
      known.error = AzureError::find(azure_xml(xml_escaped(sas.string_to_sign)));
      known.error->time.clear();
      const SasExplanation explanation = explain(sas.url, known);
      BOOST_TEST(explanation.is_verified);
      BOOST_TEST(fault_fields(explanation) == faults_of_its_own(sas));
    }
  }
}

// Each field that a vector signs is changed in Azure's text, and named.
BOOST_AUTO_TEST_CASE(every_golden_vector_with_one_field_changed_is_faulty_in_that_field) {
  std::size_t mutations = 0;
  for (const GoldenSas& sas : golden_sas()) {
    const auto read = read_string_to_sign(sas.string_to_sign);
    for (std::size_t i = 0; i < read.fields.size(); ++i) {
      // Without a version nothing can be read; a range that is faulty already is told of first.
      if (read.fields[i].value.empty() || read.fields[i].name == "sv" || !faults_of_its_own(sas).empty())
        continue;
      auto fields = read.fields;
      fields[i].value.insert(fields[i].value.size() / 2, "Q");
      BOOST_TEST_CONTEXT(sas.id << " " << fields[i].name) {
        SasCircumstances known = circumstances_of(sas);
        known.error = AzureError{"AuthenticationFailed", {}, {}, string_to_sign(fields), {}};
        BOOST_TEST(fault_fields(explain(sas.url, known)) == fields[i].name);
      }
      ++mutations;
    }
  }
  BOOST_TEST(mutations > 500U);
}

// The URL is changed behind the signature's back: what can be tried out is found and named, for the rest it
// is said that the signature does not fit.
BOOST_AUTO_TEST_CASE(every_golden_url_with_one_parameter_changed_does_not_pass) {
  const struct {
    std::string_view name;
    std::string_view value;
  } changes[] = {{"sp", "racwdxt"},    {"spr", "https,http"}, {"sr", "d"}, {"se", "2026-03-01T12:15:01Z"},
                 {"st", "2026-03-01"}, {"sip", "10.0.0.1"},   {"sp", "x"}, {"rscd", "inline"}};
  std::size_t named = 0;
  std::size_t tried = 0;
  const auto all = golden_sas();
  for (std::size_t i = 0; i < all.size();
       i += 4) {  // each change that is not found out takes thousands of tries
    const GoldenSas& sas = all[i];
    for (const auto& [name, value] : changes) {
      auto url = SasUrl::parse(sas.url);
      if (url->value(name) == value) continue;
      const auto parameter = std::ranges::find(url->parameters, name, &SasUrl::Parameter::name);
      if (parameter == url->parameters.end()) {
        url->parameters.push_back({std::string(name), std::string(value), {}, false});
      } else {
        parameter->value = value;
      }
      BOOST_TEST_CONTEXT(sas.id << " " << name) {
        const SasExplanation explanation = explain_sas(*url, circumstances_of(sas));
        BOOST_TEST(!explanation.is_verified);
        BOOST_TEST(explanation.has_fault());
        ++tried;
        if (fault_fields(explanation).find(name) != std::string::npos) ++named;
      }
    }
  }
  BOOST_TEST(tried > 150U);
  BOOST_TEST(named * 10 > tried * 7);
}

BOOST_AUTO_TEST_SUITE_END()
