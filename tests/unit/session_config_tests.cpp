#include "tests/unit/config_faults.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// A sound configuration with further members of its rule and beside it.
std::string document(const std::string& rule, const std::string& more = "") {
  return R"({"accounts":[{"name":"acme","endpoint":"https://acme","credential":{"type":"shared_key","key_file":"k"}}],)"
         R"("rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"])" +
         (rule.empty() ? "" : "," + rule) + "}]" + (more.empty() ? "" : "," + more) + "}";
}
std::string with_session(const std::string& session) {
  return document(R"("list":true)", R"("session":)" + session);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(session_config_tests)

BOOST_AUTO_TEST_CASE(by_default_nothing_is_listed) {
  const Config config = config_from(document(""));
  BOOST_TEST(!config.rules[0].list);
  BOOST_TEST(config.session.max_files == 500U);
  BOOST_TEST(config.session.max_blobs == 10000U);
  BOOST_TEST((config.session.deadline == 5s));
  BOOST_TEST((config.session.connect_timeout == 1s));
}

BOOST_AUTO_TEST_CASE(every_key_is_read) {
  const Config config = config_from(
      with_session(R"({"max_files":1000,"max_blobs":100000,"deadline_ms":60000,"connect_timeout_ms":50})"));
  BOOST_TEST(config.rules[0].list);
  BOOST_TEST(config.session.max_files == 1000U);
  BOOST_TEST(config.session.max_blobs == 100000U);
  BOOST_TEST((config.session.deadline == 60s));
  BOOST_TEST((config.session.connect_timeout == 50ms));
  BOOST_TEST(config_from(with_session("{}")).session.max_files == 500U);
  BOOST_TEST(!config_from(document(R"("list":false,"anonymous":true)")).rules[0].list);
}

BOOST_AUTO_TEST_CASE(faults_are_named) {
  const std::string files = "session.max_files: must be a number from 1 to 1000";
  const std::string blobs = "session.max_blobs: must be a number from 1 to 100000";
  const std::string deadline = "session.deadline_ms: must be milliseconds, 100 to 60000";
  const std::string connect = "session.connect_timeout_ms: must be milliseconds, 50 to 60000";
  check({
      {"strangers' uploads",
       document(R"("list":true,"anonymous":true)"),
       {"rules[0].list: would show strangers what others have uploaded: the rule is anonymous"}},
      {"list in words", document(R"("list":"yes")"), {"rules[0].list: must be true or false"}},
      {"no object", with_session("1"), {"session: must be an object"}},
      {"an unknown key", with_session(R"({"max":1})"), {"session.max: is not a known key"}},
      {"no files", with_session(R"({"max_files":0})"), {files}},
      {"too many files", with_session(R"({"max_files":1001})"), {files}},
      {"half a file", with_session(R"({"max_files":1.5})"), {files}},
      {"no blobs", with_session(R"({"max_blobs":0})"), {blobs}},
      {"too many blobs", with_session(R"({"max_blobs":100001})"), {blobs}},
      {"no time", with_session(R"({"deadline_ms":99})"), {deadline}},
      {"too much time", with_session(R"({"deadline_ms":60001})"), {deadline}},
      {"no time to connect", with_session(R"({"connect_timeout_ms":49})"), {connect}},
      {"too much time to connect", with_session(R"({"connect_timeout_ms":60001})"), {connect}},
  });
}

BOOST_AUTO_TEST_SUITE_END()
