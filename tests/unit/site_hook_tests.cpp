#include "core/site_hook.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Outcome = HttpRetry::Outcome;
using Kind = HookVerdict::Kind;

Outcome failure(HttpFailure reason) {
  return tl::unexpected(reason);
}

/// `kind status error members | log reason`.
std::string show(const HookVerdict& verdict) {
  std::string text = verdict.kind == Kind::accepted  ? "accepted"
                     : verdict.kind == Kind::refused ? "refused"
                                                     : "unavailable";
  text.append(" ").append(verdict.status ? std::to_string(*verdict.status) : "-");
  text.append(" ").append(verdict.answer.error).append(" ").append(verdict.answer.members);
  return text.append(" | ").append(verdict.log_reason);
}

struct Bench {
  Bench() {
    options.url = "https://app.example.com/uploads?x=1";
    options.timeout = 900ms;
    options.connect_timeout = 300ms;
  }
  HookClient client() { return {options, key, http, timer, clock}; }

  HookOptions options;
  SecretBytes key = secret(kHookSecret);
  FakeClock clock;
  FakeTimer timer;
  FakeHttp http{timer};
};

/// The headers of a message beyond the three that we set ourselves, one a line.
std::string forwarded(const std::vector<NamedValue>& headers, std::vector<std::string> listed) {
  Bench bench;
  bench.options.forward_headers = std::move(listed);
  bench.http.answers = {http_answer(204)};
  HookClient client = bench.client();
  BOOST_TEST(client.post("{}", headers, 0).has_value());
  const auto& sent = bench.http.calls.at(0).headers;
  BOOST_REQUIRE(sent.size() >= 3U);
  std::string text;
  for (std::size_t i = 3; i < sent.size(); ++i)
    text += sent[i] + "\n";
  return text;
}

constexpr const char* kNoObject = " | the application's answer is not a JSON object";
constexpr const char* kError = " | the application answered with an error";

}  // namespace

BOOST_AUTO_TEST_SUITE(site_hook_tests)

BOOST_AUTO_TEST_CASE(an_answer_accepts_refuses_or_cannot_be_used) {
  struct Row {
    const char* name;
    Outcome outcome;
    std::string verdict;
  };
  const std::string deep = R"({"a":)" + repeated("[", 32) + repeated("]", 32) + "}";
  const Row rows[] = {
      {"204", http_answer(204), "accepted 204   | "},
      {"an empty object", http_answer(200, {}, "{}"), "accepted 200   | "},
      {"201", http_answer(201, {}, R"({"id":7})"), R"(accepted 201  ,"id":7 | )"},
      {"202", http_answer(202, {}, R"({"success":true,"error":null})"), "accepted 202   | "},
      {"299", http_answer(299, {}, "{}"), "accepted 299   | "},
      {"another Content-Type", http_answer(200, {{"content-type", "text/html"}}, "{}"), "accepted 200   | "},

      {"200 with success false", http_answer(200, {}, R"({"success":false})"), "refused 200   | "},
      {"200 with an error", http_answer(200, {}, R"({"error":"full","left":0})"),
       R"(refused 200 full ,"left":0 | )"},
      {"200 with an error that is no text", http_answer(200, {}, R"({"error":{}})"),
       "refused 200 The application refused the upload.  | "},
      {"400 without a body", http_answer(400), "refused 400   | "},
      {"400 with HTML", http_answer(400, {}, "<h1>no</h1>"), "refused 400   | "},
      {"401", http_answer(401, {}, R"({"error":"log in"})"), "refused 401 log in  | "},
      {"403", http_answer(403, {}, R"({"error":"no","code":"x"})"), "refused 403 no  | "},
      {"403 that claims success", http_answer(403, {}, R"({"success":true})"), "refused 403   | "},
      {"404", http_answer(404), "refused 404   | "},
      {"409", http_answer(409, {}, R"({"error":"twice"})"), "refused 409 twice  | "},
      {"410", http_answer(410), "refused 410   | "},
      {"422", http_answer(422, {}, R"({"error":"bad","field":"x"})"), R"(refused 422 bad ,"field":"x" | )"},
      {"499", http_answer(499), "refused 499   | "},

      {"200 without a body", http_answer(200), "unavailable 200  "s + kNoObject},
      {"201 without a body", http_answer(201), "unavailable 201  "s + kNoObject},
      {"white space", http_answer(200, {}, " \n"), "unavailable 200  "s + kNoObject},
      {"a list", http_answer(200, {}, "[]"), "unavailable 200  "s + kNoObject},
      {"text", http_answer(200, {}, R"("ok")"), "unavailable 200  "s + kNoObject},
      {"null", http_answer(200, {}, "null"), "unavailable 200  "s + kNoObject},
      {"true", http_answer(200, {}, "true"), "unavailable 200  "s + kNoObject},
      {"a page", http_answer(200, {}, "<html>"), "unavailable 200  "s + kNoObject},
      {"deep", http_answer(200, {}, deep), "unavailable 200  "s + kNoObject},
      {"no UTF-8", http_answer(200, {}, "{\"a\":\"\xff\"}"), "unavailable 200  "s + kNoObject},
      {"a NUL behind it", http_answer(200, {}, "{}\0"s), "unavailable 200  "s + kNoObject},
      {"a redirect", http_answer(302, {{"location", "https://evil"}}, "{}"), "unavailable 302  "s + kError},
      {"not modified", http_answer(304), "unavailable 304  "s + kError},
      {"408", http_answer(408), "unavailable 408  "s + kError},
      {"429", http_answer(429, {}, R"({"error":"slow down"})"), "unavailable 429 slow down "s + kError},
      {"500", http_answer(500), "unavailable 500  "s + kError},
      {"500 with HTML", http_answer(500, {}, "<h1>no</h1>"), "unavailable 500  "s + kError},
      {"500 that claims success", http_answer(500, {}, R"({"success":true,"id":7})"),
       "unavailable 500  "s + kError},
      {"503 with words of its own",
       http_answer(503, {}, R"({"error":"back at 8","preventRetry":true,"x":1})"),
       "unavailable 503 back at 8 "s + kError},
      {"unreachable", failure(HttpFailure::unreachable),
       "unavailable 0   | the application cannot be reached"},
      {"too slow", failure(HttpFailure::timed_out),
       "unavailable 0   | the application did not answer in time"},
      {"untrusted", failure(HttpFailure::untrusted),
       "unavailable 0   | the application's certificate is not trusted"},
      {"too large", failure(HttpFailure::too_large),
       "unavailable 0   | the application's answer is too large"},
      {"no HTTP", failure(HttpFailure::malformed), "unavailable 0   | the application does not speak HTTP"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const HookVerdict verdict = judge(row.outcome, false);
      BOOST_TEST(show(verdict) == row.verdict);
      BOOST_TEST((verdict.errc == Errc::hook_unavailable));
      if (verdict.kind != Kind::unavailable) continue;
      BOOST_TEST(verdict.answer.members == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(properties_are_ours_if_we_tell_them) {
  const Outcome outcome = http_answer(200, {}, R"({"size":1,"etag":"x","a":2})");
  BOOST_TEST(judge(outcome, true).answer.members == R"(,"a":2)");
  BOOST_TEST(judge(outcome, false).answer.members == R"(,"size":1,"etag":"x","a":2)");
}

BOOST_AUTO_TEST_CASE(a_message_is_posted_and_signed) {
  Bench bench;
  bench.options.unix_socket = "/run/app.sock";
  bench.options.ca_file = "/etc/ca.pem";
  bench.http.answers = {http_answer(204)};
  HookClient client = bench.client();
  BOOST_TEST(client.post(R"({"a":1})", {}, 0).has_value());
  const HttpCall& call = bench.http.calls.at(0);
  BOOST_TEST(call.method == "POST");
  BOOST_TEST(call.url == "https://app.example.com/uploads?x=1");
  BOOST_TEST(call.unix_socket == "/run/app.sock");
  BOOST_TEST(call.ca_file == "/etc/ca.pem");
  BOOST_TEST(call.body == R"({"a":1})");
  BOOST_TEST(call.timeout.count() == 900);
  BOOST_TEST(call.connect_timeout.count() == 300);
  BOOST_TEST(call.max_answer_bytes == 65536U);
  HmacSha256 hmac(secret(kHookSecret));
  const std::vector<std::string> headers{
      "Content-Type: application/json", "Accept: application/json",
      "Blobvalet-Signature: " + hook_signature(hmac, bench.clock.time, R"({"a":1})")};
  BOOST_TEST(call.headers == headers);
}

BOOST_AUTO_TEST_CASE(only_listed_headers_are_forwarded) {
  struct Row {
    const char* name;
    std::vector<NamedValue> headers;
    std::vector<std::string> listed;
    const char* sent;
  };
  const Row rows[] = {
      {"a cookie", {{"cookie", "sid=1; a=\"b\""}}, {"cookie"}, "cookie: sid=1; a=\"b\"\n"},
      {"two", {{"x-a", "1"}, {"x-b", "2"}, {"x-c", "3"}}, {"x-c", "x-a"}, "x-a: 1\nx-c: 3\n"},
      {"a tab", {{"x-a", "1\t2"}}, {"x-a"}, "x-a: 1\t2\n"},
      {"UTF-8", {{"x-a", "\xc3\xa4"}}, {"x-a"}, "x-a: \xc3\xa4\n"},
      {"an injection left out, the next one sent",
       {{"x-a", "1\r\nX: 2"}, {"x-b", "2"}},
       {"x-a", "x-b"},
       "x-b: 2\n"},
      {"none listed", {{"cookie", "sid=1"}, {"authorization", "Bearer x"}}, {}, ""},
      {"another listed", {{"cookie", "sid=1"}}, {"authorization"}, ""},
      {"one that begins alike", {{"cookie2", "sid=1"}}, {"cookie"}, ""},
      {"listed, not there", {}, {"cookie"}, ""},
      {"another case is not what FastCGI brings", {{"Cookie", "sid=1"}}, {"cookie"}, ""},
      {"CR and LF", {{"x-a", "1\r\nBlobvalet-Signature: t=0"}}, {"x-a"}, ""},
      {"LF", {{"x-a", "1\n"}}, {"x-a"}, ""},
      {"CR", {{"x-a", "\r1"}}, {"x-a"}, ""},
      {"a NUL", {{"x-a", "1\0 2"sv}}, {"x-a"}, ""},
      {"an escape", {{"x-a", "\x1b[31m"}}, {"x-a"}, ""},
      {"DEL", {{"x-a", "\x7f"}}, {"x-a"}, ""},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(forwarded(row.headers, row.listed) == row.sent);
    }
  }
}

BOOST_AUTO_TEST_CASE(attempts_share_the_hooks_timeout) {
  Bench bench;
  HookClient client = bench.client();
  const auto begin = bench.timer.time;
  bench.http.answers = {http_answer(503)};
  BOOST_TEST(client.post("{}", {}, 5).has_value());
  BOOST_TEST((bench.timer.time - begin <= 900ms));
  BOOST_TEST(bench.http.calls.size() > 1U);
  BOOST_TEST(bench.http.calls.size() < 6U);

  bench.http.calls.clear();
  BOOST_TEST(client.post("{}", {}, 1).has_value());
  BOOST_TEST(bench.http.calls.size() == 2U);
  bench.http.calls.clear();
  BOOST_TEST(client.post("{}", {}, 0).has_value());
  BOOST_TEST(bench.http.calls.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_refusal_is_not_asked_again) {
  for (const int status : {302, 400, 403, 404, 422}) {
    Bench bench;
    bench.http.answers = {http_answer(status), http_answer(204)};
    HookClient client = bench.client();
    BOOST_TEST(client.post("{}", {}, 5)->status == status);
  }
}

BOOST_AUTO_TEST_CASE(stored_messages_are_delivered_once_a_try) {
  struct Row {
    const char* name;
    Outcome outcome;
    const char* error;  ///< null: delivered
  };
  const Row rows[] = {
      {"204", http_answer(204), nullptr},
      {"200, whatever its body", http_answer(200, {}, "thanks"), nullptr},
      {"an error that comes too late", http_answer(200, {}, R"({"success":false,"error":"no"})"), nullptr},
      {"299", http_answer(299), nullptr},
      {"a redirect", http_answer(302), "the application answered 302"},
      {"400", http_answer(400), "the application answered 400"},
      {"404", http_answer(404), "the application answered 404"},
      {"410", http_answer(410), "the application answered 410"},
      {"429", http_answer(429), "the application answered 429"},
      {"500", http_answer(500, {}, "secret <b>trace</b>"), "the application answered 500"},
      {"503", http_answer(503, {{"retry-after", "1"}}), "the application answered 503"},
      {"unreachable", failure(HttpFailure::unreachable), "the application cannot be reached"},
      {"too slow", failure(HttpFailure::timed_out), "the application did not answer in time"},
      {"untrusted", failure(HttpFailure::untrusted), "the application's certificate is not trusted"},
      {"too large", failure(HttpFailure::too_large), "the application's answer is too large"},
      {"no HTTP", failure(HttpFailure::malformed), "the application does not speak HTTP"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.options.retries = 5;
      bench.http.answers = {row.outcome};
      HookClient client = bench.client();
      const auto error = deliver(client, "{}");
      BOOST_TEST(error.value_or("delivered") == (row.error == nullptr ? "delivered" : row.error));
      BOOST_TEST(bench.http.calls.size() == 1U);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
