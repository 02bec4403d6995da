#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "core/sas_trace.hpp"
#include "core/sha256.hpp"

using namespace blobvalet;
using std::chrono::seconds;

namespace {

const std::string kHash(64, 'a');
const std::string kOther(64, 'b');
const std::string kThird = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kSignature = "3g8poh2lGCqEUUy8Hp5Q0A+LJ6+8tXvGilp7+5XjUr4=";
const std::string kEncoded = "3g8poh2lGCqEUUy8Hp5Q0A%2BLJ6%2B8tXvGilp7%2B5XjUr4%3D";

std::string names(const std::vector<WantedSas>& wanted) {
  std::string text;
  for (const WantedSas& sas : wanted)
    text.append(text.empty() ? "" : " ").append(sas.sha256);
  return text;
}

std::string upper(std::string text) {
  for (char& c : text)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

/// A piece of Azure's log, which names the key before the signature.
std::string azure_line(const std::string& member, const std::string& key, const std::string& of_key,
                       const std::string& of_signature) {
  return "{\"" + member + "\":\"" + key + "(" + of_key + "),SasSignature(" + of_signature + ")\"}";
}

LoggedRequest line(std::string_view time, std::string_view user, std::string_view blob, std::string_view hash,
                   std::string_view address = "203.0.113.7") {
  LoggedRequest line;
  line.time = time;
  line.endpoint = "signature";
  line.code = "ok";
  line.user = user;
  line.remote_addr = address;
  line.blob = blob;
  line.signature_sha256 = hash;
  return line;
}

std::string blobs(const std::vector<SasTrace::Grant>& grants) {
  std::string text;
  for (const auto& grant : grants)
    text.append(text.empty() ? "" : " ").append(grant.blob);
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(sas_trace_tests)

BOOST_AUTO_TEST_CASE(a_sas_is_recognised_in_whatever_names_it) {
  const std::string of_signature = sha256_hex(kSignature);
  const struct {
    const char* name;
    std::string text;
    std::string wanted;
  } rows[] = {
      {"digits", kHash, kHash},
      {"digits in capitals", upper(kHash), kHash},
      {"digits in quotes", "\"" + kHash + "\"\n", kHash},
      {"two", kHash + "\n" + kOther, kHash + " " + kOther},
      {"the same twice", kHash + " " + kHash, kHash},
      {"a URL", "https://a.example/c/b?sv=1&sig=" + kEncoded + "&comp=block", of_signature},
      {"a URL in a sentence", "see 'https://a.example/c/b?sig=" + kEncoded + "' please", of_signature},
      {"a query", "sv=1&sig=" + kEncoded, of_signature},
      {"Azure's log, key", azure_line("AuthenticationHash", "key1", upper(kOther), upper(kHash)), kHash},
      {"Azure's log, identity", azure_line("tokenHash", "user-delegation", kOther, kHash), kHash},
      {"two lines of it", "SasSignature(" + kHash + ")\nx,SasSignature(" + kThird + "),y",
       kHash + " " + kThird},
      {"nothing", "", ""},
      {"words", "who was it?", ""},
      {"63 digits", kHash.substr(1), ""},
      {"65 digits", kHash + "a", ""},
      {"other letters", std::string(64, 'g'), ""},
      {"Azure's log without a SAS", "AuthenticationHash: key1(" + kHash.substr(2) + ")", ""},
      {"a URL without a signature", "https://a.example/c/b?sv=1&sign=x", ""},
      {"an unfinished hash in Azure's log", "SasSignature(" + kHash.substr(5) + ")", ""},
  };
  for (const auto& row : rows)
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(names(wanted_sas(row.text)) == row.wanted);
    }
}

BOOST_AUTO_TEST_CASE(azures_log_tells_when_and_where_it_was_used) {
  const auto wanted =
      wanted_sas(R"({ "time": "2026-03-01T12:05:00.5Z", "operationName": "PutBlob", "statusCode": 403, )"
                 R"("callerIpAddress": "198.51.100.9:51234", "identity": )" +
                 azure_line("tokenHash", "key1", kOther, kHash) + "}");
  BOOST_REQUIRE(wanted.size() == 1U);
  BOOST_TEST(wanted[0].used_at == "2026-03-01T12:05:00.5Z");
  BOOST_TEST(wanted[0].operation == "PutBlob");
  BOOST_TEST(wanted[0].used_from == "198.51.100.9:51234");
  BOOST_TEST(wanted[0].status == "403");
}

BOOST_AUTO_TEST_CASE(the_grant_is_found_and_what_was_searched_is_known) {
  SasTrace trace(wanted_sas(kHash + "\n" + kOther), std::nullopt);
  trace.read(line("2026-03-01T12:00:02Z", "bob", "bob/1", kThird));
  trace.read(line("2026-03-01T12:00:01Z", "amy", "amy/1", kHash));
  trace.read(line("2026-03-01T12:00:03Z", "", "x", ""));
  const auto& found = trace.found();
  BOOST_TEST(blobs(found[0].grants) == "amy/1");
  BOOST_TEST(found[0].grants[0].user == "amy");
  BOOST_TEST(found[0].around.empty());
  BOOST_TEST(found[1].grants.empty());
  BOOST_TEST(trace.searched().requests == 3U);
  BOOST_TEST(trace.searched().grants == 2U);
  BOOST_TEST(trace.searched().from == "2026-03-01T12:00:01Z");
  BOOST_TEST(trace.searched().to == "2026-03-01T12:00:03Z");
}

// Two users who ask for one blob within a second get one and the same SAS.
BOOST_AUTO_TEST_CASE(everybody_who_was_given_it_is_named) {
  SasTrace trace(wanted_sas(kHash), std::nullopt);
  trace.read(line("2026-03-01T12:00:00Z", "amy", "drop/1", kHash));
  trace.read(line("2026-03-01T12:00:00Z", "bob", "drop/1", kHash));
  BOOST_REQUIRE(trace.found()[0].grants.size() == 2U);
  BOOST_TEST(trace.found()[0].grants[1].user == "bob");
}

BOOST_AUTO_TEST_CASE(what_else_the_same_person_was_given_about_then) {
  SasTrace trace(wanted_sas(kHash), seconds(60));
  trace.read(line("2026-03-01T11:58:59Z", "amy", "too-early", kOther));
  trace.read(line("2026-03-01T11:59:00Z", "amy", "before", kOther));
  trace.read(line("2026-03-01T11:59:30Z", "bob", "somebody-else", kOther));
  trace.read(line("2026-03-01T12:00:00Z", "amy", "it", kHash));
  trace.read(line("2026-03-01T12:00:01Z", "amy", "refused", ""));
  trace.read(line("2026-03-01T12:01:00Z", "amy", "after", kThird));
  trace.read(line("2026-03-01T12:01:01Z", "amy", "too-late", kThird));
  BOOST_TEST(blobs(trace.found()[0].around) == "before after");
}

BOOST_AUTO_TEST_CASE(who_is_not_logged_in_is_known_by_the_address) {
  SasTrace trace(wanted_sas(kHash), seconds(60));
  trace.read(line("2026-03-01T12:00:00Z", "", "same", kOther, "198.51.100.1"));
  trace.read(line("2026-03-01T12:00:00Z", "", "other", kOther, "198.51.100.2"));
  trace.read(line("2026-03-01T12:00:00Z", "", "it", kHash, "198.51.100.1"));
  BOOST_TEST(blobs(trace.found()[0].around) == "same");
}

BOOST_AUTO_TEST_SUITE_END()
