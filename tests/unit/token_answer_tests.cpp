#include "core/token_answer.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/identity_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

const UtcSeconds kNow = at("2026-03-01T12:00:00Z");  // 1772366400

/// `token, expires after x s, due after y s`, or what is wrong.
std::string read(std::string json) {
  const auto token = read_token(json, kNow);
  BOOST_TEST(json.empty());
  if (!token) return std::string(token.error().view());
  return std::string(reveal_text(token->text)) + " " + std::to_string((token->expiry - kNow).count()) + " " +
         std::to_string((token->refresh_at - kNow).count());
}

/// An answer with these further members.
std::string with(std::string_view members) {
  return R"({"access_token":"t","token_type":"Bearer",)" + std::string(members) + "}";
}

std::string refusal(std::string json, std::string_view secret = "Q8xyz~.Abc_defg-hij") {
  std::string text = refusal_text(json, secret);
  BOOST_TEST(json.empty());
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(token_answer_tests)

BOOST_AUTO_TEST_CASE(tokens_are_read) {
  struct Row {
    const char* name;
    std::string json;
    const char* token;
  };
  const Row rows[] = {
      {"Entra",
       R"({"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ0.eyJh.c2ln"})",
       "eyJ0.eyJh.c2ln 3599 3299"},
      {"an Azure machine",
       R"({"access_token":"t","client_id":"c","expires_in":"86399","expires_on":"1772452799","ext_expires_in":"86399",)"
       R"("not_before":"1772366400","resource":"https://storage.azure.com","token_type":"Bearer"})",
       "t 86399 43199"},
      {"an App Service",
       R"({"access_token":"t","expires_on":"1772452800","resource":"r","token_type":"Bearer","client_id":"c"})",
       "t 86400 43200"},
      {"expires_on as a number", with(R"("expires_on":1772370000)"), "t 3600 3300"},
      {"seconds to go before a date", with(R"("expires_on":"1","expires_in":"60")"), "t 60 30"},
      {"a null before a date", with(R"("expires_in":null,"expires_on":"1772366460")"), "t 60 30"},
      {"a byte order mark", "\xef\xbb\xbf" + with(R"("expires_in":60)"), "t 60 30"},
      {"blanks", " \r\n\t" + with(R"("expires_in" : 60)") + "\n", "t 60 30"},
      {"bearer in lower case", R"({"access_token":"t","token_type":"bearer","expires_in":60})", "t 60 30"},
      {"no token type", R"({"access_token":"t","expires_in":60})", "t 60 30"},
      {"an escape", R"({"access_token":"\u0041\/","expires_in":60})", "A/ 60 30"},
      {"unknown members", with(R"("expires_in":60,"a":[{"b":[1,2.5]}])"), "t 60 30"},
      {"half life at two hours", with(R"("expires_in":7200)"), "t 7200 3600"},
      {"five minutes early below", with(R"("expires_in":7199)"), "t 7199 6899"},
      {"five minutes are half", with(R"("expires_in":600)"), "t 600 300"},
      {"half life if five minutes are more", with(R"("expires_in":599)"), "t 599 300"},
      {"one second", with(R"("expires_in":1)"), "t 1 1"},
      {"the longest", with(R"("expires_in":31622400)"), "t 31622400 15811200"},
      {"refresh_in", with(R"("expires_in":86400,"refresh_in":1000)"), "t 86400 1000"},
      {"refresh_in as text", with(R"("expires_in":"86400","refresh_in":"1000")"), "t 86400 1000"},
      {"a refresh_in of nothing", with(R"("expires_in":86400,"refresh_in":0)"), "t 86400 43200"},
      {"a refresh_in as long as life", with(R"("expires_in":86400,"refresh_in":86400)"), "t 86400 43200"},
      {"a refresh_in that is no number", with(R"("expires_in":86400,"refresh_in":"soon")"), "t 86400 43200"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(row.json) == row.token);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_token_is_refused) {
  const char* const no_json = "gave an answer that is no JSON object";
  const char* const no_token = "gave an answer without a token";
  const char* const no_ascii = "gave a token that is not printable ASCII";
  const char* const no_bearer = "gave a token that is no bearer token";
  const char* const no_time = "gave a token whose expiry is no time";
  const char* const expired = "gave a token that has expired already";
  struct Row {
    const char* name;
    std::string json;
    const char* why;
  };
  const std::string token = R"("access_token":"t",)";
  const Row rows[] = {
      {"empty", "", no_json},
      {"HTML", "<!DOCTYPE html><html></html>", no_json},
      {"a text", "\"token\"", no_json},
      {"an array", "[]", no_json},
      {"a number", "1", no_json},
      {"cut off", R"({"access_token":"t","expires_in":60)", no_json},
      {"something behind it", with(R"("expires_in":60)") + "x", no_json},
      {"a NUL behind it", with(R"("expires_in":60)") + "\0"s, no_json},
      {"a NUL in it", "{\"access_token\":\"t\0\",\"expires_in\":60}"s, no_json},
      {"no UTF-8", with("\"a\":\"\xff\",\"expires_in\":60"), no_json},
      {"cut off within a character", "{\"access_token\":\"t\xea", no_json},
      {"a comment", "/**/" + with(R"("expires_in":60)"), no_json},
      {"deeper than anyone needs", repeated("[", 60000), no_json},
      {"two byte order marks", "\xef\xbb\xbf\xef\xbb\xbf" + with(R"("expires_in":60)"), no_json},
      {"an empty object", "{}", no_token},
      {"no token", R"({"token_type":"Bearer","expires_in":60})", no_token},
      {"an empty token", R"({"access_token":"","expires_in":60})", no_token},
      {"a token that is a number", R"({"access_token":1,"expires_in":60})", no_token},
      {"a token that is null", R"({"access_token":null,"expires_in":60})", no_token},
      {"another name", R"({"Access_Token":"t","expires_in":60})", no_token},
      {"a line end", R"({"access_token":"t\r\nX-A: 1","expires_in":60})", no_ascii},
      {"a blank", R"({"access_token":"a b","expires_in":60})", no_ascii},
      {"a NUL by escape", R"({"access_token":"t\u0000","expires_in":60})", no_ascii},
      {"DEL", R"({"access_token":"t\u007f","expires_in":60})", no_ascii},
      {"beyond ASCII", R"({"access_token":"t\u00e4","expires_in":60})", no_ascii},
      {"another type", R"({"access_token":"t","token_type":"pop","expires_in":60})", no_bearer},
      {"an empty type", R"({"access_token":"t","token_type":"","expires_in":60})", no_bearer},
      {"a type that is no text", R"({"access_token":"t","token_type":1,"expires_in":60})", no_bearer},
      {"no expiry", "{" + token + R"("token_type":"Bearer"})", "does not say when its token expires"},
      {"null expiries", with(R"("expires_in":null,"expires_on":null)"),
       "does not say when its token expires"},
      {"an empty text", with(R"("expires_in":"")"), no_time},
      {"a word", with(R"("expires_in":"soon")"), no_time},
      {"a negative text", with(R"("expires_in":"-1")"), no_time},
      {"a negative number", with(R"("expires_in":-1)"), no_time},
      {"a fraction", with(R"("expires_in":3599.5)"), no_time},
      {"an exponent", with(R"("expires_in":"1e3")"), no_time},
      {"a blank before it", with(R"("expires_in":" 60")"), no_time},
      {"a sign", with(R"("expires_in":"+60")"), no_time},
      {"a unit", with(R"("expires_in":"60s")"), no_time},
      {"true", with(R"("expires_in":true)"), no_time},
      {"an object", with(R"("expires_in":{})"), no_time},
      {"a broken text before a date", with(R"("expires_in":"x","expires_on":"1772366460")"), no_time},
      {"longer than a year", with(R"("expires_in":31622401)"), no_time},
      {"thirteen digits", with(R"("expires_in":1000000000000)"), no_time},
      {"beyond 64 bits", with(R"("expires_in":"99999999999999999999")"), no_time},
      {"milliseconds since 1970", with(R"("expires_on":1772366460000)"), no_time},
      {"a date as App Services of 2017 wrote it", with(R"("expires_on":"3/1/2026 1:00:00 PM +00:00")"),
       no_time},
      {"nothing to go", with(R"("expires_in":0)"), expired},
      {"now", with(R"("expires_on":1772366400)"), expired},
      {"long ago", with(R"("expires_on":"1")"), expired},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(row.json) == row.why);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_token_does_not_stay_in_the_answer) {
  for (const char* end : {"}", ""}) {
    auto json = std::make_unique<std::string>(R"({"access_token":"a token of some length","expires_in":60)");
    json->append(end);
    const DeleteWatch watch(json->data(), json->capacity());
    (void)read_token(*json, kNow);
    json.reset();
    BOOST_TEST(watch.deleted());
    BOOST_TEST(watch.was_wiped());
  }
}

BOOST_AUTO_TEST_CASE(refusals_say_why) {
  struct Row {
    const char* name;
    std::string json;
    std::string text;
  };
  const Row rows[] = {
      {"Entra",
       R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1","error_codes":[7000215]})",
       "invalid_client: AADSTS7000215: Invalid client secret provided."},
      {"an Azure machine",
       R"({"error":"invalid_request","error_description":"Multiple user assigned identities exist, please specify"})",
       "invalid_request: Multiple user assigned identities exist, please specify"},
      {"an App Service", R"({"statusCode":400,"message":"No User Assigned identity found"})",
       "No User Assigned identity found"},
      {"an error alone", R"({"error":"unauthorized_client"})", "unauthorized_client"},
      {"the longest error", R"({"error":")" + std::string(64, 'a') + "\"}", std::string(64, 'a')},
      {"the longest description", R"({"message":")" + std::string(300, 'a') + "\"}", std::string(200, 'a')},
      {"what does not print", R"({"message":"a\u0007b\u00e4c\u001b[31m\td"})", "a?b??c?[31m?d"},
      {"a line feed alone", R"({"message":"one\ntwo"})", "one"},

      {"no JSON", "<html>Bad Request</html>", ""},
      {"empty", "", ""},
      {"nothing in it", "{}", ""},
      {"an error that is no name", R"({"error":"Invalid Client!"})", ""},
      {"an error too long", R"({"error":")" + std::string(65, 'a') + "\"}", ""},
      {"an error that is an object", R"({"error":{"code":"x","message":"y"}})", ""},
      {"digits in an error", R"({"error":"e1"})", ""},
      {"a description that is no text", R"({"error_description":[1]})", ""},
      {"the secret", R"({"error":"invalid_client","error_description":"bad: Q8xyz~.Abc_defg-hij"})",
       "invalid_client"},
      {"part of the secret", R"({"message":"it begins with 'Q8xyz~.A'"})", ""},
      {"the secret behind what is shown",
       R"({"message":")" + std::string(200, 'a') + "Q8xyz~.Abc_defg-hij\"}", std::string(200, 'a')},
      {"seven characters of it are chance", R"({"message":"Q8xyz~."})", "Q8xyz~."},
      {"a token", R"({"message":"cannot read eyJ0eXAiOiJKV1QifQ.e30."})", ""},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(refusal(row.json) == row.text);
    }
  }
  BOOST_TEST(refusal(R"({"error":"hunter_seven"})", "hunter_seven") == "");
  BOOST_TEST(refusal(R"({"message":"not abc"})", "abc") == "", "a short secret as a whole");
  BOOST_TEST(refusal(R"({"message":"nothing was sent"})", "") == "nothing was sent");
}

BOOST_AUTO_TEST_SUITE_END()
