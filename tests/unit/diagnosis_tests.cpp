#include "core/diagnosis.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

std::string state_of(const Link& link) {
  if (link.state == Link::State::fails) BOOST_TEST(!link.mend.empty(), link.detail);
  return link.state == Link::State::ok ? "ok" : link.state == Link::State::fails ? "fails" : "not tested";
}

HttpAnswer refusal(int status, const std::string& code) {
  return http_answer(status, {}, R"({"error":"x","code":")" + code + R"("})");
}
HttpAnswer azure(int status, const std::string& code = "") {
  return http_answer(status, {{"x-ms-error-code", code}});
}

constexpr std::string_view kBlob = "https://acme/uploads/a.png";

}  // namespace

BOOST_AUTO_TEST_SUITE(diagnosis_tests)

BOOST_AUTO_TEST_CASE(links_that_build_on_others) {
  Diagnosis diagnosis;
  diagnosis.add("a", Link::ok("fine"));
  diagnosis.add("b", Link::not_tested("not wanted"));
  BOOST_TEST(diagnosis.is_fine());
  BOOST_TEST(!diagnosis.fails("b"));
  BOOST_TEST(!diagnosis.broken({"a"}).has_value());
  BOOST_TEST(diagnosis.broken({"a", "b"}).value() == "b");
  diagnosis.add("c", Link::fails("broken", "repair it"));
  BOOST_TEST(diagnosis.fails("c"));
  BOOST_TEST(!diagnosis.is_fine());
  BOOST_TEST(diagnosis.to_text() ==
             "a              ok          fine\n"
             "b              not tested  not wanted\n"
             "c              fails       broken\n"
             "               mend: repair it\n");
  BOOST_TEST(diagnosis.to_json() == R"({"ok":false,"links":[{"link":"a","state":"ok","detail":"fine"},)"
                                    R"({"link":"b","state":"not tested","detail":"not wanted"},)"
                                    R"({"link":"c","state":"fails","detail":"broken","mend":"repair it"}]})"
                                    "\n");
}

BOOST_AUTO_TEST_CASE(health) {
  struct Row {
    const char* name;
    std::string body;
    const char* revision;
    const char* state;
  };
  const auto body = [](const std::string& status, const std::string& problems = "") {
    return R"({"status":")" + status + R"(","version":"1","configuration":"abc","problems":[)" + problems +
           "]}";
  };
  const std::vector<Row> rows{
      {"well", body("ok"), "abc", "ok"},
      {"well, whatever the configuration", body("ok"), "", "ok"},
      {"with a warning", body("warning", R"("x")"), "abc", "ok"},
      {"another configuration", body("ok"), "abd", "fails"},
      {"red", body("failing", R"("clock: x")"), "abc", "fails"},
      {"no JSON", "hello", "abc", "fails"},
      {"another JSON", "{}", "abc", "fails"},
      {"nothing", "", "abc", "fails"},
      {"a list", "[]", "", "fails"},
  };
  for (const auto& [name, text, revision, state] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(state_of(judge_health(text, revision)) == state);
    }
  }
}

BOOST_AUTO_TEST_CASE(signatures) {
  struct Row {
    const char* name;
    HttpAnswer answer;
    const char* user;
    const char* state;
    const char* says;
  };
  const std::vector<Row> rows{
      {"signed", http_answer(200, {}, "https://acme/uploads/a.png?sv=1&sig=x"), "alice", "ok", ""},
      {"another blob", http_answer(200, {}, "https://acme/uploads/b.png?sv=1&sig=x"), "alice", "fails",
       "no signature"},
      {"a longer name", http_answer(200, {}, "https://acme/uploads/a.png.exe?sig=x"), "alice", "fails",
       "no signature"},
      {"no signature in it", http_answer(200, {}, "https://acme/uploads/a.png?sv=1"), "alice", "fails",
       "no signature"},
      {"a page", http_answer(200, {}, "<html>Please log in</html>"), "alice", "fails", "no signature"},
      {"nothing", http_answer(200), "alice", "fails", "no signature"},
      {"a redirect", http_answer(302, {{"location", "/login"}}), "alice", "fails", "somewhere else"},
      {"401 without a user", refusal(401, "login_required"), "", "fails", "wants a login"},
      {"401 with a user", refusal(401, "login_required"), "alice", "fails", "wants a login"},
      {"nobody is vouched for", refusal(403, "login_required"), "alice", "fails", "vouches for nobody"},
      {"not allowed", refusal(403, "not_allowed"), "alice", "fails", "no rule"},
      {"another account", refusal(403, "unknown_endpoint"), "alice", "fails", "no account"},
      {"no snippet", http_answer(404, {}, "<html>"), "alice", "fails", "not at this place"},
      {"limited", refusal(429, "rate_limited"), "alice", "fails", "limit"},
      {"no workers", refusal(502, "bad_gateway"), "alice", "fails", "does not reach"},
      {"slow workers", refusal(504, "gateway_timeout"), "alice", "fails", "in time"},
      {"no key", refusal(503, "key_unavailable"), "alice", "fails", "delegation key"},
      {"anything else", http_answer(418), "alice", "fails", "418"},
      {"an error page that looks like nothing", http_answer(500, {}, "\x01{"), "alice", "fails", "500"},
  };
  for (const auto& [name, answer, user, state, says] : rows) {
    BOOST_TEST_CONTEXT(name) {
      const Link link = judge_signature(answer, kBlob, user);
      BOOST_TEST(state_of(link) == state);
      BOOST_TEST(link.detail.find(says) != std::string::npos, link.detail);
    }
  }
}

BOOST_AUTO_TEST_CASE(storage) {
  struct Row {
    const char* name;
    HttpAnswer answer;
    const char* container;
    const char* upload;
    const char* says;
  };
  const std::vector<Row> rows{
      {"stored", azure(201), "ok", "ok", "201"},
      {"no container", azure(404, "ContainerNotFound"), "fails", "fails", "no such container"},
      {"a wrong key", azure(403, "AuthenticationFailed"), "not tested", "fails",
       "does not take the signature"},
      {"network rules", azure(403, "AuthorizationFailure"), "not tested", "fails", "network rules"},
      {"too few rights", azure(403, "AuthorizationPermissionMismatch"), "not tested", "fails", "rights"},
      {"plain http", azure(403, "AuthorizationProtocolMismatch"), "not tested", "fails", "https only"},
      {"another address", azure(403, "AuthorizationSourceIPMismatch"), "not tested", "fails", "addresses"},
      {"no Shared Key", azure(403, "KeyBasedAuthenticationNotPermitted"), "not tested", "fails",
       "Shared Key"},
      {"a code that nobody knows", azure(409, "SomethingElse"), "not tested", "fails", "409 SomethingElse"},
      {"no code", azure(500), "not tested", "fails", "500"},
  };
  for (const auto& [name, answer, container, upload, says] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(state_of(judge_container(answer, "acme", "uploads")) == container);
      const Link link = judge_storage(answer, 201);
      BOOST_TEST(state_of(link) == upload);
      BOOST_TEST(link.detail.find(says) != std::string::npos, link.detail);
    }
  }
  BOOST_TEST(judge_container(azure(404, "ContainerNotFound"), "acme", "uploads").mend ==
             "az storage container create --account-name acme --name uploads");
}

BOOST_AUTO_TEST_CASE(callbacks) {
  struct Row {
    const char* name;
    HttpAnswer answer;
    const char* callback;
    const char* hook;
  };
  const std::vector<Row> rows{
      {"accepted", http_answer(200, {}, R"({"success":true})"), "ok", "ok"},
      {"accepted without a word", http_answer(204), "ok", "ok"},
      {"the application is down", refusal(503, "hook_unavailable"), "ok", "fails"},
      {"it says no", refusal(403, "hook_refused"), "ok", "fails"},
      {"events cannot be stored", refusal(503, "event_store_unavailable"), "ok", "fails"},
      {"Azure cannot be asked", refusal(503, "azure_unavailable"), "fails", "ok"},
      {"Azure refuses", refusal(503, "azure_refused"), "fails", "ok"},
      {"the blob is not found", refusal(422, "blob_not_found"), "fails", "fails"},
      {"the rule wants other files", refusal(422, "content_type_not_allowed"), "fails", "fails"},
      {"no workers", refusal(502, "bad_gateway"), "fails", "ok"},
      {"no snippet", http_answer(404), "fails", "fails"},
      {"an unlisted origin", refusal(403, "origin_not_allowed"), "fails", "fails"},
  };
  for (const auto& [name, answer, callback, hook] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(state_of(judge_callback(answer, "alice")) == callback);
      BOOST_TEST(state_of(judge_hook(answer)) == hook);
    }
  }
}

BOOST_AUTO_TEST_CASE(sessions) {
  const std::string item = R"([{"name":"x","uuid":"u","size":1,"blobName":"a \"b\".png"}])";
  struct Row {
    const char* name;
    HttpAnswer answer;
    const char* state;
  };
  const std::vector<Row> rows{
      {"the test blob is there", http_answer(200, {}, item), "ok"},
      {"nothing is there", http_answer(200, {}, "[]"), "fails"},
      {"others are there", http_answer(200, {}, R"([{"blobName":"b\".png"}])"), "fails"},
      {"a login page", http_answer(200, {}, "<html>a \"b\".png"), "fails"},
      {"nothing at all", http_answer(200), "fails"},
      {"an empty answer", http_answer(204), "fails"},
      {"no rule", refusal(403, "not_allowed"), "fails"},
      {"Azure refuses", refusal(503, "azure_refused"), "fails"},
      {"no snippet", http_answer(404), "fails"},
  };
  for (const auto& [name, answer, state] : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(state_of(judge_session(answer, "a \"b\".png", "alice")) == state);
    }
  }
}

BOOST_AUTO_TEST_CASE(codes_are_names_only) {
  BOOST_TEST(refusal_code(refusal(403, "not_allowed")) == "not_allowed");
  for (const char* code :
       {"Not allowed", "<b>", "a\\n", "1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    BOOST_TEST(refusal_code(refusal(403, code)).empty(), code);
  BOOST_TEST(refusal_code(http_answer(403, {}, "no JSON")).empty());
}

BOOST_AUTO_TEST_SUITE_END()
