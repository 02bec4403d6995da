#include <openssl/hmac.h>

#include <functional>
#include <set>

#include "core/hook_message.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

BlobProperties stored() {
  BlobProperties properties;
  properties.size_bytes = 5;
  properties.content_type = "image/png";
  properties.etag = "\"0x8D1\"";
  properties.last_modified = "Sun, 01 Mar 2026 11:59:58 GMT";
  return properties;
}

/// The facts of one upload; `properties` outlives them.
HookFacts upload_of(const BlobProperties* properties) {
  HookFacts facts;
  facts.event = "upload_success";
  facts.time = at("2026-03-01T12:00:00Z");
  facts.request_id = "id-1";
  facts.user = "bob";
  facts.account = "acme";
  facts.container = "uploads";
  facts.blob = "bob/a.png";
  facts.url = "https://acme/uploads/bob/a.png";
  facts.uuid = "f9a922bd-3007-4393-a76e-925fc009639c";
  facts.name = "a.png";
  facts.params_json = R"({"a":"1"})";
  facts.properties = properties;
  return facts;
}

HookFacts deletion() {
  HookFacts facts = upload_of(nullptr);
  facts.event = "delete_granted";
  facts.uuid = {};
  facts.name = {};
  facts.params_json = "{}";
  return facts;
}

std::string changed_id(HookFacts facts, const std::function<void(HookFacts&)>& change) {
  change(facts);
  return hook_message(facts).id;
}

/// With OpenSSL's one-shot function; lower-case hexadecimal.
std::string hmac_of(std::string_view key, const std::string& text) {
  unsigned char digest[32];
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, nullptr);
  std::string hex;
  for (const unsigned byte : digest)
    hex.append({"0123456789abcdef"[byte / 16], "0123456789abcdef"[byte % 16]});
  return hex;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(hook_message_tests)

BOOST_AUTO_TEST_CASE(a_message_tells_all_that_is_known) {
  const BlobProperties properties = stored();
  const NewEvent message = hook_message(upload_of(&properties));
  BOOST_TEST(message.id.size() == 32U);
  BOOST_TEST(message.id.find_first_not_of("0123456789abcdef") == std::string::npos);
  BOOST_TEST(message.subject == "acme/uploads/bob/a.png");
  BOOST_TEST(
      message.body ==
      R"({"id":")" + message.id +
          R"(","time":"2026-03-01T12:00:00Z","request_id":"id-1","url":"https://acme/uploads/bob/a.png",)"
          R"("event":"upload_success","user":"bob","account":"acme","container":"uploads",)"
          R"("blob":"bob/a.png","uuid":"f9a922bd-3007-4393-a76e-925fc009639c","name":"a.png",)"
          R"("params":{"a":"1"},"verified":true,"size":5,"content_type":"image/png",)"
          R"("etag":"\"0x8D1\"","last_modified":"Sun, 01 Mar 2026 11:59:58 GMT"})");
}

BOOST_AUTO_TEST_CASE(what_azure_did_not_say_is_not_told) {
  const NewEvent message = hook_message(upload_of(nullptr));
  BOOST_TEST(message.body.ends_with(R"("params":{"a":"1"},"verified":false})"));
  for (const char* name : {"\"size\"", "\"content_type\"", "\"etag\"", "\"last_modified\""})
    BOOST_TEST(message.body.find(name) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_deletion_is_told_without_claims) {
  const NewEvent message = hook_message(deletion());
  BOOST_TEST(
      message.body ==
      R"({"id":")" + message.id +
          R"(","time":"2026-03-01T12:00:00Z","request_id":"id-1","url":"https://acme/uploads/bob/a.png",)"
          R"("event":"delete_granted","user":"bob","account":"acme","container":"uploads",)"
          R"("blob":"bob/a.png","uuid":"","name":"","params":{},"verified":false})");
}

BOOST_AUTO_TEST_CASE(any_text_is_carried_as_utf8) {
  BlobProperties properties = stored();
  properties.content_type = "image/\xff\"\n";
  HookFacts facts = upload_of(&properties);
  facts.user = "b\"o\\b\xfe";
  facts.name = "\xc3\xa4\n.png";
  const NewEvent message = hook_message(facts);
  BOOST_TEST(message.body.find(R"("user":"b\"o\\b?")") != std::string::npos);
  BOOST_TEST(message.body.find("\"name\":\"\xc3\xa4\\n.png\"") != std::string::npos);
  BOOST_TEST(message.body.find(R"("content_type":"image/?\"\n")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_repeated_callback_has_the_id_it_had) {
  const BlobProperties properties = stored();
  const BlobProperties same = stored();
  const std::string id = hook_message(upload_of(&properties)).id;
  BOOST_TEST(hook_message(upload_of(&properties)).id == id);
  BOOST_TEST(hook_message(upload_of(&same)).id == id);
  const HookFacts facts = upload_of(&properties);
  BOOST_TEST(changed_id(facts, [](HookFacts& f) { f.time += 1h; }) == id);
  BOOST_TEST(changed_id(facts, [](HookFacts& f) { f.request_id = "id-2"; }) == id);
  BOOST_TEST(changed_id(facts, [](HookFacts& f) { f.url = "https://files.example.com/uploads/bob/a.png"; }) ==
             id);
}

BOOST_AUTO_TEST_CASE(whatever_else_changes_is_another_event) {
  const BlobProperties properties = stored();
  BlobProperties newer = stored();
  newer.etag = "\"0x8D2\"";
  struct Row {
    const char* name;
    std::function<void(HookFacts&)> change;
  };
  const Row rows[] = {
      {"the event", [](HookFacts& f) { f.event = "upload_successes"; }},
      {"the user", [](HookFacts& f) { f.user = "alice"; }},
      {"nobody", [](HookFacts& f) { f.user = ""; }},
      {"the user's case", [](HookFacts& f) { f.user = "Bob"; }},
      {"the account", [](HookFacts& f) { f.account = "other"; }},
      {"the container", [](HookFacts& f) { f.container = "drop"; }},
      {"the blob", [](HookFacts& f) { f.blob = "bob/b.png"; }},
      {"the ETag", [&](HookFacts& f) { f.properties = &newer; }},
      {"not verified", [](HookFacts& f) { f.properties = nullptr; }},
      {"the uuid", [](HookFacts& f) { f.uuid = "f9a922bd-3007-4393-a76e-925fc009639d"; }},
      {"the uuid's case", [](HookFacts& f) { f.uuid = "F9A922BD-3007-4393-A76E-925FC009639C"; }},
      {"the name", [](HookFacts& f) { f.name = "b.png"; }},
      {"a parameter's value", [](HookFacts& f) { f.params_json = R"({"a":"2"})"; }},
      {"a parameter's name", [](HookFacts& f) { f.params_json = R"({"b":"1"})"; }},
      {"no parameters", [](HookFacts& f) { f.params_json = "{}"; }},
      {"account and container, parted elsewhere",
       [](HookFacts& f) {
         f.account = "acmeu";
         f.container = "ploads";
       }},
      {"a name that looks like the next member",
       [](HookFacts& f) { f.name = R"(a.png","params":{"a":"1"})"; }},
  };
  std::set<std::string> ids{hook_message(upload_of(&properties)).id};
  for (const Row& row : rows)
    BOOST_TEST(ids.insert(changed_id(upload_of(&properties), row.change)).second, row.name);
}

BOOST_AUTO_TEST_CASE(each_deletion_is_an_event_of_its_own) {
  const std::string id = hook_message(deletion()).id;
  BOOST_TEST(hook_message(deletion()).id == id);
  BOOST_TEST(changed_id(deletion(), [](HookFacts& f) { f.time += 1h; }) == id);
  BOOST_TEST(changed_id(deletion(), [](HookFacts& f) { f.request_id = "id-2"; }) != id);
  BOOST_TEST(changed_id(deletion(), [](HookFacts& f) { f.request_id = ""; }) != id);
  BOOST_TEST(changed_id(deletion(), [](HookFacts& f) { f.blob = "bob/b.png"; }) != id);
  BOOST_TEST(changed_id(deletion(), [](HookFacts& f) { f.user = "alice"; }) != id);
}

BOOST_AUTO_TEST_CASE(a_signature_is_an_hmac_over_time_and_body) {
  struct Row {
    const char* name;
    std::string key;
    const char* time;
    const char* seconds;
    std::string body;
  };
  const Row rows[] = {
      {"plain", std::string(kHookSecret), "2026-03-01T12:00:00Z", "1772366400", R"({"a":1})"},
      {"no body", std::string(kHookSecret), "2026-03-01T12:00:00Z", "1772366400", ""},
      {"another time", std::string(kHookSecret), "2026-03-01T12:00:01Z", "1772366401", R"({"a":1})"},
      {"the epoch", std::string(kHookSecret), "1970-01-01T00:00:00Z", "0", "x"},
      {"a key beyond a block", std::string(200, 'k'), "2038-01-19T03:14:08Z", "2147483648", "x"},
      {"bytes in the key", "\x00\xff\n secret"s, "2026-03-01T12:00:00Z", "1772366400", "x"},
      {"a long body", std::string(kHookSecret), "2026-03-01T12:00:00Z", "1772366400",
       std::string(100000, 'b')},
      {"a NUL in the body", std::string(kHookSecret), "2026-03-01T12:00:00Z", "1772366400", "a\0b"s},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      HmacSha256 hmac(secret(row.key));
      const std::string expected =
          "t="s + row.seconds + ",v1=" + hmac_of(row.key, row.seconds + "."s + row.body);
      BOOST_TEST(hook_signature(hmac, at(row.time), row.body) == expected);
      BOOST_TEST(hook_signature(hmac, at(row.time), row.body) == expected, "the second one, too");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
