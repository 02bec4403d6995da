#include "core/delegation_key_client.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/identity_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

const TimeSpan kWanted{at("2026-03-01T11:45:00Z"), at("2026-03-04T12:00:00Z")};
constexpr std::string_view kValue = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";  // bytes 0 to 31

/// Azure's answer with one element in place of another, or of nothing.
std::string key_xml(std::string_view old = {}, std::string_view now = {}) {
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"utf-8\"?><UserDelegationKey>"
      "<SignedOid>f81d4fae-7dec-11d0-a765-00a0c91e6bf6</SignedOid>"
      "<SignedTid>72f988bf-86f1-41af-91ab-2d7cd011db47</SignedTid>"
      "<SignedStart>2026-03-01T11:45:00Z</SignedStart>"
      "<SignedExpiry>2026-03-04T12:00:00Z</SignedExpiry>"
      "<SignedService>b</SignedService>"
      "<SignedVersion>2023-11-03</SignedVersion>"
      "<Value>" +
      std::string(kValue) + "</Value></UserDelegationKey>";
  if (old.empty()) return xml;
  const std::size_t found = xml.find(old);
  BOOST_REQUIRE_NE(found, std::string::npos);
  return xml.replace(found, old.size(), now);
}

/// All fields, or what is wrong.
std::string read(std::string xml, TimeSpan wanted = kWanted) {
  const auto key = read_delegation_key(xml, wanted, at("2026-03-01T12:00:00Z"));
  BOOST_TEST(xml.empty());
  if (!key) return key.error();
  const auto bytes = key->value.reveal();
  std::string text;
  for (const std::string& field : {key->object_id, key->tenant_id, key->start, key->expiry, key->service,
                                   key->version, key->user_tenant_id})
    text.append(field).append(" ");
  return text + std::to_string(bytes.size()) + " bytes to " + std::to_string(bytes.back());
}

constexpr std::string_view kKey =
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 72f988bf-86f1-41af-91ab-2d7cd011db47 2026-03-01T11:45:00Z "
    "2026-03-04T12:00:00Z b 2023-11-03  32 bytes to 31";

struct Bench : IdentityBench {
  DelegationKeyClient client{http, timer, clock};
  AccessToken token{secret("the-bearer-token"), at("2026-03-01T13:00:00Z"), at("2026-03-01T12:55:00Z")};

  tl::expected<FetchedDelegationKey, IdentityFailure> fetch(
      std::vector<Outcome> answers, std::string_view url = "https://acme.blob.core.windows.net") {
    http.answers = std::move(answers);
    return client.fetch(url, "/etc/ca.pem", token, kWanted);
  }
  std::string outcome(std::vector<Outcome> answers,
                      std::string_view url = "https://acme.blob.core.windows.net") {
    const auto key = fetch(std::move(answers), url);
    return key ? key->key.expiry : show(key.error());
  }
};

HttpAnswer refused(int status, std::string_view code, Headers headers = {}) {
  if (!code.empty()) headers.emplace_back("x-ms-error-code", code);
  return http_answer(status, std::move(headers), "<Error><Code>the-bearer-token</Code></Error>");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(delegation_key_client_tests)

BOOST_AUTO_TEST_CASE(the_request_is_that_of_the_documentation) {
  struct Row {
    const char* account;
    const char* url;
  };
  const Row rows[] = {
      {"https://acme.blob.core.windows.net",
       "https://acme.blob.core.windows.net/?restype=service&comp=userdelegationkey"},
      {"https://127.0.0.1:10000/devstoreaccount1",
       "https://127.0.0.1:10000/devstoreaccount1/?restype=service&comp=userdelegationkey"},
      {"http://localhost:10000/devstoreaccount1",
       "http://localhost:10000/devstoreaccount1/?restype=service&comp=userdelegationkey"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.account) {
      Bench bench;
      BOOST_TEST(bench.outcome({http_answer(200, {}, key_xml())}, row.account) == "2026-03-04T12:00:00Z");
      BOOST_TEST(bench.sent() ==
                 "POST " + std::string(row.url) +
                     "\nx-ms-version: 2023-11-03\n"
                     "Content-Type: application/xml\n"
                     "Authorization: Bearer the-bearer-token\n"
                     "\n"
                     "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo>"
                     "<Start>2026-03-01T11:45:00Z</Start><Expiry>2026-03-04T12:00:00Z</Expiry>"
                     "</KeyInfo>");
      BOOST_TEST(bench.http.calls[0].ca_file == "/etc/ca.pem");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_token_goes_nowhere_else) {
  for (const char* url : {"http://acme.blob.core.windows.net", "acme.blob.core.windows.net", "",
                          "http://127.0.0.1.example.com", "https://acme@example.com", "https://a/?b"}) {
    BOOST_TEST_CONTEXT(url) {
      Bench bench;
      BOOST_TEST(bench.outcome({http_answer(200, {}, key_xml())}, url) ==
                 "final: user delegation keys need an account's endpoint with https");
      BOOST_TEST(bench.http.calls.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(keys_are_read) {
  struct Row {
    const char* name;
    std::string xml;
  };
  std::string more = key_xml("</UserDelegationKey>",
                             "<SignedDelegatedUserTid>1</SignedDelegatedUserTid></UserDelegationKey>");
  std::string spread = key_xml("<SignedTid>", "\r\n  <SignedTid>");
  const Row rows[] = {
      {"Azure's", key_xml()},
      {"a byte order mark", "\xef\xbb\xbf" + key_xml()},
      {"no declaration", key_xml("<?xml version=\"1.0\" encoding=\"utf-8\"?>", "")},
      {"what nobody asked for", more},
      {"lines", spread + "\n"},
      {"an attribute", key_xml("<UserDelegationKey>", "<UserDelegationKey xmlns=\"http://a\">")},
      {"another order", key_xml("<SignedService>b</SignedService><SignedVersion>2023-11-03</SignedVersion>",
                                "<SignedVersion>2023-11-03</SignedVersion><SignedService>b</SignedService>")},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(row.xml) == kKey);
    }
  }
}

BOOST_AUTO_TEST_CASE(texts_are_kept_as_they_are) {
  BOOST_TEST(read(key_xml("f81d4fae", "F81D4FAE")).substr(0, 8) == "F81D4FAE");
  BOOST_TEST(read(key_xml("2023-11-03", "2025-11-05")).find(" 2025-11-05 ") != std::string::npos);
  const std::string later = read(key_xml("2026-03-01T11:45:00Z", "2026-03-01T11:59:59Z"));
  BOOST_TEST(later.find(" 2026-03-01T11:59:59Z ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(times_and_bytes_are_those_of_the_texts) {
  std::string xml = key_xml();
  const auto key = read_delegation_key(xml, kWanted, at("2026-03-01T12:00:00Z"));
  BOOST_REQUIRE(key.has_value());
  BOOST_TEST((key->not_before == kWanted.start));
  BOOST_TEST((key->not_after == kWanted.expiry));
  for (std::size_t i = 0; i < 32; ++i)
    BOOST_TEST(key->value.reveal()[i] == i);
}

BOOST_AUTO_TEST_CASE(what_is_no_key_is_refused) {
  const std::string no_xml = "it is no XML that Azure would send";
  const std::string other = "it holds something else";
  const std::string not_now = "it is not valid now; is the clock right?";
  const std::string too_long = "it is valid for longer than was asked";
  const auto unsound = [](const char* name) { return name + " is missing or not what it has to be"s; };
  const auto doubled = [](std::string_view element) {
    return key_xml("</UserDelegationKey>", std::string(element) + "</UserDelegationKey>");
  };
  struct Row {
    const char* name;
    std::string xml;
    std::string why;
  };
  const std::string value(kValue);
  const Row rows[] = {
      {"empty", "", no_xml},
      {"a byte order mark alone", "\xef\xbb\xbf", no_xml},
      {"text", "no key today", no_xml},
      {"JSON", "{}", no_xml},
      {"HTML", "<!DOCTYPE html><html></html>", no_xml},
      {"cut off", key_xml("</UserDelegationKey>", ""), no_xml},
      {"a wrong end", key_xml("</UserDelegationKey>", "</Other>"), no_xml},
      {"UTF-16", "\xff\xfe<\0U\0"s, no_xml},
      {"a NUL", key_xml() + "\0"s, no_xml},
      {"a DOCTYPE",
       "<!DOCTYPE k [<!ENTITY b \"b\">]>" + key_xml("<?xml version=\"1.0\" encoding=\"utf-8\"?>", ""),
       no_xml},
      {"a comment", key_xml("<SignedTid>", "<!-- --><SignedTid>"), no_xml},
      {"CDATA", key_xml("<SignedService>b", "<SignedService><![CDATA[b]]>"), no_xml},
      {"another root", "<Error><Code>x</Code></Error>", other},
      {"a root around it", "<a>" + key_xml("<?xml version=\"1.0\" encoding=\"utf-8\"?>", "") + "</a>", other},
      {"two keys", key_xml() + key_xml("<?xml version=\"1.0\" encoding=\"utf-8\"?>", ""), other},
      {"nothing in it", "<UserDelegationKey/>", unsound("SignedOid")},

      {"no object", key_xml("SignedOid", "SignedPid"), no_xml},
      {"an empty object", key_xml("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", ""), unsound("SignedOid")},
      {"an object that is no GUID", key_xml("f81d4fae", "g81d4fae"), unsound("SignedOid")},
      {"blanks at an object", key_xml("f81d4fae", " f81d4fae"), unsound("SignedOid")},
      {"a line feed in an object", key_xml("f81d4fae", "f81d\n"), unsound("SignedOid")},
      {"an object too long", key_xml("f81d4fae", std::string(64, 'a')), unsound("SignedOid")},
      {"two objects", doubled("<SignedOid>1</SignedOid>"), unsound("SignedOid")},
      {"an element in an object", key_xml("f81d4fae", "f81d<a/>4fae"), unsound("SignedOid")},
      {"an element before an object", key_xml("f81d4fae", "<a/>f81d4fae"), unsound("SignedOid")},
      {"an entity", key_xml("f81d4fae", "&#102;81d4fae"), unsound("SignedOid")},
      {"no tenant", key_xml("<SignedTid>72f988bf-86f1-41af-91ab-2d7cd011db47</SignedTid>", ""),
       unsound("SignedTid")},
      {"a tenant that is a domain", key_xml("72f988bf-86f1-41af-91ab-2d7cd011db47", "contoso.com"),
       unsound("SignedTid")},
      {"no start", key_xml("<SignedStart>2026-03-01T11:45:00Z</SignedStart>", ""), unsound("SignedStart")},
      {"a fraction at the start", key_xml("2026-03-01T11:45:00Z", "2026-03-01T11:45:00.0000000Z"),
       unsound("SignedStart")},
      {"a zone at the start", key_xml("2026-03-01T11:45:00Z", "2026-03-01T11:45:00+00:00"),
       unsound("SignedStart")},
      {"a start that is a date", key_xml("2026-03-01T11:45:00Z", "2026-03-01"), unsound("SignedStart")},
      {"an expiry that does not exist", key_xml("2026-03-04T12:00:00Z", "2026-02-30T12:00:00Z"),
       unsound("SignedExpiry")},
      {"two expiries", doubled("<SignedExpiry>2026-03-04T12:00:00Z</SignedExpiry>"), unsound("SignedExpiry")},
      {"another service", key_xml("<SignedService>b", "<SignedService>q"), unsound("SignedService")},
      {"more services", key_xml("<SignedService>b", "<SignedService>bf"), unsound("SignedService")},
      {"a version that is no date", key_xml("2023-11-03", "v2"), unsound("SignedVersion")},
      {"a version that does not exist", key_xml("2023-11-03", "2023-02-29"), unsound("SignedVersion")},
      {"no value", key_xml("<Value>" + value + "</Value>", ""), unsound("Value")},
      {"an empty value", key_xml(value, ""), unsound("Value")},
      {"a value that is no base64", key_xml(value, "-_-_" + value.substr(4)), unsound("Value")},
      {"no padding", key_xml(value, value.substr(0, value.size() - 1)), unsound("Value")},
      {"a line feed at the value", key_xml(value, value + "\n"), unsound("Value")},
      {"15 bytes", key_xml(value, "AAECAwQFBgcICQoLDA0O"), unsound("Value")},
      {"66 bytes", key_xml(value, repeated("AAAA", 22)), unsound("Value")},
      {"two values", doubled("<Value>" + value + "</Value>"), unsound("Value")},

      {"not yet valid", key_xml("2026-03-01T11:45:00Z", "2026-03-01T12:00:01Z"), not_now},
      {"valid until now", key_xml("2026-03-04T12:00:00Z", "2026-03-01T12:00:00Z"), not_now},
      {"the end before the start", key_xml("2026-03-04T12:00:00Z", "2026-03-01T11:00:00Z"), not_now},
      {"a second too long", key_xml("2026-03-04T12:00:00Z", "2026-03-04T12:00:01Z"), too_long},
      {"a second too early", key_xml("2026-03-01T11:45:00Z", "2026-03-01T11:44:59Z"), too_long},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(row.xml) == row.why);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_sizes_of_values_have_limits) {
  for (const auto& [text, size] : {std::pair("AAECAwQFBgcICQoLDA0ODw=="s, "16 bytes to 15"s),
                                   std::pair(repeated("AAAA", 21) + "AA==", "64 bytes to 0"s)}) {
    BOOST_TEST(read(key_xml(kValue, text)).ends_with(size));
  }
}

BOOST_AUTO_TEST_CASE(a_key_does_not_stay_in_the_answer) {
  for (const char* service : {"<SignedService>b", "<SignedService>q"}) {
    auto xml = std::make_unique<std::string>(key_xml("<SignedService>b", service));
    const DeleteWatch watch(xml->data(), xml->capacity());
    (void)read_delegation_key(*xml, kWanted, at("2026-03-01T12:00:00Z"));
    xml.reset();
    BOOST_TEST(watch.deleted());
    BOOST_TEST(watch.was_wiped());
  }
}

BOOST_AUTO_TEST_CASE(refusals_say_what_to_do) {
  const std::string request = " to the request for a user delegation key";
  const std::string role =
      "; the identity needs the role Storage Blob Delegator (or Storage Blob Data Contributor) at the "
      "storage "
      "account or above, and a new assignment takes minutes to work";
  struct Row {
    int status;
    const char* code;
    std::string result;
  };
  const Row rows[] = {
      {400, "", "final: Azure answered 400" + request},
      {400, "InvalidXmlNodeValue", "final: Azure answered 400 InvalidXmlNodeValue" + request},
      {400, "OutOfRangeInput", "final: Azure answered 400 OutOfRangeInput" + request},
      {400, "<script>", "final: Azure answered 400" + request},
      {401, "", "later: Azure answered 401" + request + " | unauthorized"},
      {401, "InvalidAuthenticationInfo",
       "later: Azure answered 401 InvalidAuthenticationInfo" + request + " | unauthorized"},
      {403, "AuthenticationFailed",
       "later: Azure answered 403 AuthenticationFailed" + request + " | unauthorized"},
      {403, "AuthorizationPermissionMismatch",
       "later: Azure answered 403 AuthorizationPermissionMismatch" + request + role},
      {403, "AuthorizationFailure",
       "final: Azure answered 403 AuthorizationFailure" + request +
           "; the account's network rules may not let this machine in"},
      {403, "AccountIsDisabled", "final: Azure answered 403 AccountIsDisabled" + request},
      {403, "", "final: Azure answered 403" + request},
      {404, "ResourceNotFound",
       "final: Azure answered 404 ResourceNotFound" + request +
           "; the endpoint may not be that of a storage account"},
      {404, "",
       "final: Azure answered 404" + request + "; the endpoint may not be that of a storage account"},
      {409, "", "final: Azure answered 409" + request},
      {301, "", "final: Azure answered 301" + request},
      {204, "", "final: Azure answered 204" + request},
      {501, "", "later: Azure answered 501" + request},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.status << " " << row.code) {
      Bench bench;
      BOOST_TEST(bench.outcome({refused(row.status, row.code)}) == row.result);
      BOOST_TEST(bench.http.calls.size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_may_pass_is_tried_for_a_while) {
  struct Row {
    const char* name;
    FakeHttp::Outcome answer;
    std::string result;
  };
  const std::string request = " to the request for a user delegation key";
  const Row rows[] = {
      {"408", refused(408, ""), "later: Azure answered 408" + request},
      {"429", refused(429, ""), "later: Azure answered 429" + request},
      {"500", refused(500, "InternalError"), "later: Azure answered 500" + request},
      {"503", refused(503, "ServerBusy"), "later: Azure answered 503" + request},
      {"unreachable", failed(HttpFailure::unreachable),
       "later: the account's blob endpoint cannot be reached"},
      {"timed out", failed(HttpFailure::timed_out),
       "later: the account's blob endpoint did not answer in time"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      const auto begin = bench.timer.time;
      BOOST_TEST(bench.outcome({row.answer}) == row.result);
      BOOST_TEST(bench.http.calls.size() > 1U);
      BOOST_TEST((bench.timer.time - begin <= 30s));
      Bench recovering;
      BOOST_TEST(recovering.outcome({row.answer, http_answer(200, {}, key_xml())}) == "2026-03-04T12:00:00Z");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_wait_that_is_too_long_is_passed_on) {
  Bench bench;
  BOOST_TEST(bench.outcome({refused(503, "", {{"retry-after", "90"}})}) ==
             "later: Azure answered 503 to the request for a user delegation key | in 90 s");
  BOOST_TEST(bench.http.calls.size() == 1U);
}

BOOST_AUTO_TEST_CASE(no_answer_has_its_reason) {
  struct Row {
    HttpFailure failure;
    const char* result;
  };
  const Row rows[] = {
      {HttpFailure::untrusted, "final: the account's blob endpoint shows a certificate that is not trusted"},
      {HttpFailure::too_large, "later: the account's blob endpoint gave an answer that is too large"},
      {HttpFailure::malformed, "later: the account's blob endpoint does not speak HTTP"},
  };
  for (const Row& row : rows) {
    Bench bench;
    BOOST_TEST(bench.outcome({failed(row.failure)}) == row.result);
    BOOST_TEST(bench.http.calls.size() == 1U);
  }
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_no_key_has_its_reason) {
  Bench bench;
  BOOST_TEST(bench.outcome({http_answer(200, {}, "<html>")}) ==
             "later: Azure's answer is no user delegation key: it is no XML that Azure would send");
  Bench incomplete;
  BOOST_TEST(incomplete.outcome({http_answer(200, {}, key_xml(kValue, "the-bearer-token"))}) ==
             "later: Azure's answer is no user delegation key: Value is missing or not what it has to be");
}

BOOST_AUTO_TEST_CASE(the_answers_date_comes_along) {
  const Headers date{{"date", "Sun, 01 Mar 2026 12:00:07 GMT"}};
  Bench bench;
  const auto key = bench.fetch({http_answer(200, date, key_xml())});
  BOOST_REQUIRE(key.has_value());
  BOOST_TEST((key->server_time == at("2026-03-01T12:00:07Z")));
  const auto failure = bench.fetch({http_answer(403, date)});
  BOOST_REQUIRE(!failure.has_value());
  BOOST_TEST((failure.error().server_time == at("2026-03-01T12:00:07Z")));
  const auto undated = bench.fetch({http_answer(200, {{"date", "today"}}, key_xml())});
  BOOST_REQUIRE(undated.has_value());
  BOOST_TEST(!undated->server_time.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
