#include <boost/test/unit_test.hpp>
#include <string>

#include "core/string_to_sign.hpp"
#include "tests/unit/golden.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

std::vector<NamedValue> views_of(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::vector<NamedValue> views;
  for (const auto& [name, value] : headers)
    views.push_back({name, value});
  return views;
}

std::vector<SignedField> fields_of(const GoldenSas& sas) {
  const auto url = SasUrl::parse(sas.url);
  BOOST_REQUIRE(url.has_value());
  const auto version = SasVersion::parse(url->value("sv"));
  BOOST_REQUIRE(version.has_value());
  return signed_fields(*url, locate(*url, "", sas.account), *version, views_of(sas.headers));
}

std::string show(const ReadStringToSign& read) {
  std::string text(read.is_account_sas ? "account" : read.is_collapsed ? "collapsed" : "whole");
  for (const SignedField& field : read.fields) {
    if (!field.value.empty()) text.append(" ").append(field.name).append("=").append(field.value);
  }
  return text;
}

constexpr const char* kWhole =
    "whole sp=cw se=2026-03-01T12:15:00Z resource=/blob/acme/uploads/a b sv=2023-11-03 sr=b";
const std::string kText =
    "cw\n\n2026-03-01T12:15:00Z\n/blob/acme/uploads/a b\n\n\n\n2023-11-03\nb\n\n\n\n\n\n\n";

}  // namespace

BOOST_AUTO_TEST_SUITE(string_to_sign_tests)

BOOST_AUTO_TEST_CASE(it_is_rebuilt_from_the_url_of_every_golden_vector) {
  std::size_t count = 0;
  for (const GoldenSas& sas : golden_sas()) {
    BOOST_TEST_CONTEXT(sas.id) {
      BOOST_TEST(string_to_sign(fields_of(sas)) == sas.string_to_sign);
    }
    ++count;
  }
  BOOST_TEST(count == 96U);
}

BOOST_AUTO_TEST_CASE(that_of_every_golden_vector_is_read_back) {
  for (const GoldenSas& sas : golden_sas()) {
    BOOST_TEST_CONTEXT(sas.id) {
      const ReadStringToSign read = read_string_to_sign(sas.string_to_sign);
      BOOST_TEST(!read.is_collapsed);
      BOOST_TEST((read.fields == fields_of(sas)));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_copying_does_is_forgiven) {
  const struct {
    const char* name;
    std::string text;
    std::string read;
  } rows[] = {
      {"whole", kText, kWhole},
      {"empty lines lost at the end", kText.substr(0, kText.find("\nb") + 2), kWhole},
      {"all empty lines lost", "cw\n2026-03-01T12:15:00Z\n/blob/acme/uploads/ab\n2023-11-03\nb",
       "collapsed =cw =2026-03-01T12:15:00Z =/blob/acme/uploads/ab =2023-11-03 =b"},
      {"on one line", "cw 2026-03-01T12:15:00Z /blob/acme/uploads/ab 2023-11-03 b",
       "collapsed =cw =2026-03-01T12:15:00Z =/blob/acme/uploads/ab =2023-11-03 =b"},
      {"an account SAS", "acme\nrwdlc\nb\nsco\n\n2026-03-01T12:15:00Z\n\nhttps\n2022-11-02\n\n", "account"},
      {"nothing", "", "account"},
      {"no version", "cw\n\n2026-03-01T12:15:00Z\n/blob/acme/uploads/a", "whole"},
      {"an unknown version", "cw\n\n\n/blob/a/b\n\n\n\n2015-04-05\n\n\n\n\n", "whole"},
  };
  for (const auto& row : rows)
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(show(read_string_to_sign(row.text)) == row.read);
    }
}

BOOST_AUTO_TEST_SUITE_END()
