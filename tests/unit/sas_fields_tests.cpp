#include <algorithm>
#include <vector>

#include "core/sas_fields.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

SasVersion version_of(std::string_view text) {
  const auto version = SasVersion::parse(text);
  BOOST_REQUIRE(version.has_value());
  return *version;
}

/// A field whose value is its own name, so that a text shows what stands where.
SasFields named_fields(const SasVersion& version) {
  SasFields fields;
  fields.version = &version;
  fields.permissions = "SP";
  fields.start = "ST";
  fields.expiry = "SE";
  fields.account = "ACCOUNT";
  fields.container = "CONTAINER";
  fields.blob = "BLOB";
  fields.resource = "SR";
  fields.identifier = "SI";
  fields.ip = "SIP";
  fields.protocol = "SPR";
  fields.encryption_scope = "SES";
  fields.cache_control = "RSCC";
  fields.content_disposition = "RSCD";
  fields.content_encoding = "RSCE";
  fields.content_language = "RSCL";
  fields.content_type = "RSCT";
  fields.authorized_object_id = "SAOID";
  fields.unauthorized_object_id = "SUOID";
  fields.correlation_id = "SCID";
  fields.delegated_user_object_id = "SDUOID";
  return fields;
}

constexpr DelegationKeyFields kKey{"SKOID", "SKTID", "SKT", "SKE", "SKS", "SKV", "SKDUTID"};

/// Fields joined by `|`, so that a row fits on a line.
std::string joined(std::string text) {
  std::ranges::replace(text, '\n', '|');
  return text;
}

std::string service_text(const SasFields& fields) {
  std::string text;
  append_string_to_sign(text, fields);
  return joined(std::move(text));
}
std::string delegation_text(const SasFields& fields, const DelegationKeyFields& key = kKey) {
  std::string text;
  append_string_to_sign(text, fields, key);
  return joined(std::move(text));
}

auto count_fields(std::string_view text) {
  return std::ranges::count(text, '|') + 1;
}

constexpr NamedValue kHeaders[] = {{"content-type", "image/png"}, {"content-length", "12"}};
constexpr NamedValue kQueryParameters[] = {{"comp", "block"}, {"blockid", "AAAA"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(sas_fields_tests)

// "Create a service SAS" and "Create a user delegation SAS", learn.microsoft.com; where a page leaves a field
// out, what the official SDKs sign.
BOOST_AUTO_TEST_CASE(each_version_signs_its_number_of_fields) {
  struct Row {
    const char* version;
    std::ptrdiff_t service;
    std::ptrdiff_t delegation;
  };
  constexpr Row kRows[] = {
      {"2018-11-09", 15, 20}, {"2019-12-12", 15, 20}, {"2020-02-10", 15, 23}, {"2020-10-02", 15, 23},
      {"2020-12-06", 16, 24}, {"2023-11-03", 16, 24}, {"2025-05-05", 16, 24}, {"2025-07-05", 16, 26},
      {"2026-02-06", 16, 26}, {"2026-04-06", 16, 28}, {"2026-10-06", 16, 28},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.version) {
      const SasVersion version = version_of(row.version);
      BOOST_TEST(count_fields(service_text(named_fields(version))) == row.service);
      BOOST_TEST(count_fields(delegation_text(named_fields(version))) == row.delegation);
      SasFields bare;
      bare.version = &version;
      BOOST_TEST(count_fields(service_text(bare)) == row.service);
      BOOST_TEST(count_fields(delegation_text(bare, {})) == row.delegation);
    }
  }
}

BOOST_AUTO_TEST_CASE(each_field_stands_in_its_place) {
  struct Row {
    const char* version;
    const char* service;
    const char* delegation;
  };
  constexpr Row kRows[] = {
      {"2018-11-09",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/BLOB|SI|SIP|SPR|2018-11-09|SR||RSCC|RSCD|RSCE|RSCL|RSCT",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/BLOB|SKOID|SKTID|SKT|SKE|SKS|SKV|SIP|SPR|2018-11-09|SR||RSCC|RSCD|"
       "RSCE|RSCL|RSCT"},
      {"2020-02-10",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/BLOB|SI|SIP|SPR|2020-02-10|SR||RSCC|RSCD|RSCE|RSCL|RSCT",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/"
       "BLOB|SKOID|SKTID|SKT|SKE|SKS|SKV|SAOID|SUOID|SCID|SIP|SPR|2020-02-10|"
       "SR||RSCC|RSCD|RSCE|RSCL|RSCT"},
      {"2023-11-03",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/BLOB|SI|SIP|SPR|2023-11-03|SR||SES|RSCC|RSCD|RSCE|RSCL|RSCT",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/"
       "BLOB|SKOID|SKTID|SKT|SKE|SKS|SKV|SAOID|SUOID|SCID|SIP|SPR|2023-11-03|"
       "SR||SES|RSCC|RSCD|RSCE|RSCL|RSCT"},
      {"2025-07-05",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/BLOB|SI|SIP|SPR|2025-07-05|SR||SES|RSCC|RSCD|RSCE|RSCL|RSCT",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/"
       "BLOB|SKOID|SKTID|SKT|SKE|SKS|SKV|SAOID|SUOID|SCID|SKDUTID|SDUOID|SIP|"
       "SPR|2025-07-05|SR||SES|RSCC|RSCD|RSCE|RSCL|RSCT"},
      {"2026-04-06",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/BLOB|SI|SIP|SPR|2026-04-06|SR||SES|RSCC|RSCD|RSCE|RSCL|RSCT",
       "SP|ST|SE|/blob/ACCOUNT/CONTAINER/"
       "BLOB|SKOID|SKTID|SKT|SKE|SKS|SKV|SAOID|SUOID|SCID|SKDUTID|SDUOID|SIP|"
       "SPR|2026-04-06|SR||SES|||RSCC|RSCD|RSCE|RSCL|RSCT"},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.version) {
      const SasVersion version = version_of(row.version);
      BOOST_TEST(service_text(named_fields(version)) == row.service);
      BOOST_TEST(delegation_text(named_fields(version)) == row.delegation);
    }
  }
}

// Headers are each ended by a line feed, query parameters each begun by one; both within their one field.
BOOST_AUTO_TEST_CASE(bound_headers_and_parameters_are_signed_by_value_and_sent_by_name) {
  const SasVersion version = version_of("2026-04-06");
  SasFields fields = named_fields(version);
  fields.request_headers = kHeaders;
  fields.request_query_parameters = kQueryParameters;
  BOOST_TEST(delegation_text(fields).ends_with(
      "|SES|content-type:image/png|content-length:12|||comp:block|blockid:AAAA|RSCC|RSCD|RSCE|RSCL|RSCT"));

  std::string query;
  append_sas_query(query, fields, &kKey, "S");
  BOOST_TEST(query.ends_with("&srh=content-type%2Ccontent-length&srq=comp%2Cblockid&sig=S"));
}

BOOST_AUTO_TEST_CASE(older_versions_never_sign_bound_headers) {
  const SasVersion version = version_of("2026-02-06");
  SasFields fields = named_fields(version);
  fields.request_headers = kHeaders;
  BOOST_TEST(count_fields(delegation_text(fields)) == 26);
}

BOOST_AUTO_TEST_CASE(values_are_signed_raw) {
  const SasVersion version = version_of("2021-12-02");
  SasFields fields;
  fields.version = &version;
  fields.permissions = "cw";
  fields.expiry = "2026-03-01T12:15:00Z";
  fields.account = "devstoreaccount1";
  fields.container = "uploads";
  fields.blob = "dir/na\xc3\xafve file+100%.txt";
  BOOST_TEST(service_text(fields) ==
             "cw||2026-03-01T12:15:00Z|/blob/devstoreaccount1/uploads/dir/na\xc3\xafve file+100%.txt||||"
             "2021-12-02|b|||||||");
}

BOOST_AUTO_TEST_CASE(without_a_blob_the_container_itself_is_signed) {
  const SasVersion version = version_of("2018-11-09");
  SasFields fields = named_fields(version);
  fields.blob = "";
  BOOST_TEST(service_text(fields).starts_with("SP|ST|SE|/blob/ACCOUNT/CONTAINER|SI|"));
  BOOST_TEST(delegation_text(fields).starts_with("SP|ST|SE|/blob/ACCOUNT/CONTAINER|SKOID|"));
}

BOOST_AUTO_TEST_CASE(a_text_is_appended_to_what_is_there) {
  const SasVersion version;
  std::string text = "before ";
  append_string_to_sign(text, named_fields(version));
  BOOST_TEST(text.starts_with("before SP\n"));
}

BOOST_AUTO_TEST_CASE(the_query_carries_every_present_field_once_and_escaped) {
  const SasVersion version = version_of("2023-11-03");
  struct Row {
    const char* name;
    SasFields fields;
    const DelegationKeyFields* key;
    const char* query;
  };
  SasFields least;
  least.version = &version;
  least.permissions = "cw";
  least.expiry = "2026-03-01T12:15:00Z";
  SasFields awkward = least;
  awkward.ip = "203.0.113.0-203.0.113.255";
  awkward.protocol = "https,http";
  awkward.content_disposition = "attachment; filename=\"a+b & c.txt\"";
  const Row rows[] = {
      {"the least", least, nullptr, "sv=2023-11-03&se=2026-03-01T12%3A15%3A00Z&sr=b&sp=cw&sig=a%2Bb%2F%3D"},
      {"awkward values", awkward, nullptr,
       "sv=2023-11-03&spr=https%2Chttp&se=2026-03-01T12%3A15%3A00Z&sip=203.0.113.0-203.0.113.255&sr=b&sp=cw&"
       "rscd=attachment%3B%20filename%3D%22a%2Bb%20%26%20c.txt%22&sig=a%2Bb%2F%3D"},
      {"all of a service SAS", named_fields(version), nullptr,
       "sv=2023-11-03&spr=SPR&st=ST&se=SE&sip=SIP&si=SI&ses=SES&sr=SR&sp=SP&rscc=RSCC&rscd=RSCD&rsce=RSCE&"
       "rscl=RSCL&rsct=RSCT&sig=a%2Bb%2F%3D"},
      {"all of a user delegation SAS", named_fields(version), &kKey,
       "sv=2023-11-03&spr=SPR&st=ST&se=SE&sip=SIP&si=SI&ses=SES&skoid=SKOID&sktid=SKTID&skt=SKT&ske=SKE&sks="
       "SKS&"
       "skv=SKV&sr=SR&sp=SP&rscc=RSCC&rscd=RSCD&rsce=RSCE&rscl=RSCL&rsct=RSCT&saoid=SAOID&suoid=SUOID&scid="
       "SCID&"
       "sduoid=SDUOID&skdutid=SKDUTID&sig=a%2Bb%2F%3D"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      std::string query;
      append_sas_query(query, row.fields, row.key, "a+b/=");
      BOOST_TEST(query == row.query);
    }
  }
}

// A text is written into room that is made beforehand; whatever is longest has to fit.
BOOST_AUTO_TEST_CASE(there_is_room_for_every_value_however_long_and_however_escaped) {
  const SasVersion version = version_of("2026-10-06");
  const std::string value(300, '%');
  const std::vector<NamedValue> list(20, NamedValue{value, value});
  SasFields fields;
  fields.version = &version;
  for (std::string_view SasFields::*const field : {&SasFields::permissions,
                                                   &SasFields::start,
                                                   &SasFields::expiry,
                                                   &SasFields::account,
                                                   &SasFields::container,
                                                   &SasFields::blob,
                                                   &SasFields::resource,
                                                   &SasFields::identifier,
                                                   &SasFields::ip,
                                                   &SasFields::protocol,
                                                   &SasFields::encryption_scope,
                                                   &SasFields::cache_control,
                                                   &SasFields::content_disposition,
                                                   &SasFields::content_encoding,
                                                   &SasFields::content_language,
                                                   &SasFields::content_type,
                                                   &SasFields::authorized_object_id,
                                                   &SasFields::unauthorized_object_id,
                                                   &SasFields::correlation_id,
                                                   &SasFields::delegated_user_object_id})
    fields.*field = value;
  fields.request_headers = list;
  fields.request_query_parameters = list;
  const DelegationKeyFields key{value, value, value, value, value, value, value};

  const auto signed_values = [](const std::string& text) { return std::ranges::count(text, '%') / 300; };
  BOOST_TEST(signed_values(service_text(fields)) == 16);
  BOOST_TEST(signed_values(delegation_text(fields, key)) == 26 + 2 * 2 * 20);
  std::string query;
  append_sas_query(query, fields, &key, value);
  BOOST_TEST(signed_values(query) == 25 + 2 * 20);
}

BOOST_AUTO_TEST_SUITE_END()
