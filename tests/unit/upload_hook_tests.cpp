// What the application says of an upload or of a DELETE decides about it, too.
#include <algorithm>

#include "core/upload_acceptance.hpp"
#include "tests/unit/acceptance_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::acceptance_bench;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(upload_hook_tests)

BOOST_AUTO_TEST_CASE(the_applications_answer_becomes_ours) {
  struct Row {
    const char* name;
    Outcome outcome;
    std::string answer;
    const char* code;
  };
  const auto no = [](std::string_view error, std::string_view more) {
    return refused(403, error, "hook_refused", more);
  };
  const auto silent = [](std::string_view error) {
    return "503 Retry-After=1" + refused(503, error, "hook_unavailable", "").substr(3);
  };
  constexpr const char* kRefused = "The application refused this.";
  constexpr const char* kSilent = "The application cannot be asked now; try again.";
  const Row rows[] = {
      {"nothing", http_answer(204), kVerified, "ok"},
      {"data", http_answer(200, {}, R"({"id":7,"tags":["a"]})"),
       R"(200 {"success":true,"error":null,"verified":true,"id":7,"tags":["a"]})", "ok"},
      {"keys of ours",
       http_answer(200, {}, R"({"success":true,"code":"x","verified":false,"error":null,"size":1})"),
       R"(200 {"success":true,"error":null,"verified":true,"size":1})", "ok"},
      {"keys that pollute", http_answer(200, {}, R"({"__proto__":{"a":1},"b":{"__proto__":1},"c":2})"),
       R"(200 {"success":true,"error":null,"verified":true,"b":{},"c":2})", "ok"},
      {"flags of a success", http_answer(200, {}, R"({"preventRetry":true,"reset":true})"), kVerified, "ok"},

      {"a refusal", http_answer(403, {}, R"({"error":"Your folder is full."})"),
       no("Your folder is full.", kPrevent), "hook_refused"},
      {"a refusal in 200", http_answer(200, {}, R"({"success":false,"error":"no"})"), no("no", kPrevent),
       "hook_refused"},
      {"a refusal without words", http_answer(404), no(kRefused, kPrevent), "hook_refused"},
      {"a refusal of HTML", http_answer(400, {}, "<h1>"), no(kRefused, kPrevent), "hook_refused"},
      {"a refusal with data", http_answer(422, {}, R"({"error":"no","left":0,"x":{"y":[]}})"),
       no("no", R"(,"preventRetry":true,"left":0,"x":{"y":[]})"), "hook_refused"},
      {"a refusal with keys of ours", http_answer(422, {}, R"({"success":true,"code":"x","verified":true})"),
       no(kRefused, kPrevent), "hook_refused"},
      {"a refusal with keys that pollute",
       http_answer(422, {}, R"({"__proto__":1,"constructor":{"prototype":1}})"),
       no(kRefused, R"(,"preventRetry":true,"constructor":{})"), "hook_refused"},
      {"a refusal that a new upload cures", http_answer(409, {}, R"({"error":"no","reset":true})"),
       no("no", kReset), "hook_refused"},
      {"reset and preventRetry", http_answer(409, {}, R"({"error":"no","preventRetry":true,"reset":true})"),
       no("no", kReset), "hook_refused"},
      {"a refusal that may pass", http_answer(409, {}, R"({"error":"no","preventRetry":false})"),
       no("no", ""), "hook_refused"},
      {"a refusal with a thumbnail", http_answer(409, {}, R"({"error":"no","thumbnailUrl":"/x"})"),
       no("no", kPrevent), "hook_refused"},
      {"words that need escapes", http_answer(403, {}, R"({"error":"a\"b\\c\n</script>"})"),
       no(R"(a\"b\\c\n</script>)", kPrevent), "hook_refused"},

      {"an empty 200", http_answer(200), silent(kSilent), "hook_unavailable"},
      {"a list", http_answer(200, {}, "[]"), silent(kSilent), "hook_unavailable"},
      {"a redirect", http_answer(302), silent(kSilent), "hook_unavailable"},
      {"500", http_answer(500, {}, "<h1>"), silent(kSilent), "hook_unavailable"},
      {"503 in its own words", http_answer(503, {}, R"({"error":"back at 8","preventRetry":true,"x":1})"),
       silent("back at 8"), "hook_unavailable"},
      {"unreachable", failure(HttpFailure::unreachable), silent(kSilent), "hook_unavailable"},
      {"too slow", failure(HttpFailure::timed_out), silent(kSilent), "hook_unavailable"},
      {"untrusted", failure(HttpFailure::untrusted), silent(kSilent), "hook_unavailable"},
      {"too large", failure(HttpFailure::too_large), silent(kSilent), "hook_unavailable"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(hooked());
      bench.world.http.answers = {stored_blob(), row.outcome};
      BOOST_TEST(bench.upload() == row.answer);
      BOOST_TEST(bench.code == row.code);
      BOOST_TEST((bench.hook_status == (row.outcome ? row.outcome->status : 0)));
      BOOST_TEST(bench.world.http.calls.at(1).url == kHook);
      bench.world.http.answers = {stored_blob(), row.outcome};
      BOOST_TEST(bench.upload() == row.answer, "a repeated callback has the same answer");

      // Where the site would rather believe, only an application that does say no is heard.
      Bench lenient(hooked(R"("on_failure": "accept")"));
      lenient.world.http.answers = {stored_blob(), row.outcome};
      BOOST_TEST(lenient.upload() == (row.code == "hook_unavailable"sv ? kVerified : row.answer));
      BOOST_TEST(lenient.reason.empty() == (row.code != "hook_unavailable"sv));
    }
  }
}

BOOST_AUTO_TEST_CASE(properties_that_we_tell_are_not_the_applications) {
  Bench bench(hooked("", R"("answer_properties": true)"));
  bench.world.http.answers = {stored_blob(),
                              http_answer(200, {}, R"({"size":1,"content_type":2,"etag":3,"a":4})")};
  BOOST_TEST(bench.upload() ==
             R"(200 {"success":true,"error":null,"verified":true,"size":5,"content_type":"image/png",)"
             R"("etag":"\"0x8D1\"","last_modified":"Sun, 01 Mar 2026 11:59:58 GMT","a":4})");
}

BOOST_AUTO_TEST_CASE(the_application_is_asked_last_and_told_all) {
  Bench refusing(hooked("", R"("max_bytes": 4)"));
  BOOST_TEST(refusing.upload() == refused(422, "blob: is too large", "blob_too_large", kPrevent));
  BOOST_TEST(refusing.asked() == "HEAD", "nobody is told of what is refused");

  Bench bench(hooked(R"("forward_headers": ["Cookie"])"));
  bench.world.http.answers = {stored_blob(), http_answer(204)};
  BOOST_TEST(bench.upload("&user%5Bn%5D=1&__proto__=2", {{"cookie", "sid=1"}, {"accept", "x"}}) == kVerified);
  const HttpCall call = bench.world.http.calls.at(1);
  BOOST_TEST(call.body.find(R"("params":{"user":{"n":"1"}})") != std::string::npos);
  BOOST_TEST(call.body.find(R"("event":"upload_success","user":"bob","account":"acme","container":"uploads",)"
                            R"("blob":"bob/a b.png")") != std::string::npos);
  BOOST_TEST(call.body.find("\"url\":\"" + kBlobUrl + "\"") != std::string::npos);
  BOOST_TEST(call.body.find(R"("verified":true,"size":5,"content_type":"image/png")") != std::string::npos);
  BOOST_TEST(call.headers.back() == "cookie: sid=1");

  bench.world.http.answers = {stored_blob(), http_answer(204)};
  (void)bench.upload("&user%5Bn%5D=1&__proto__=2");
  BOOST_TEST(bench.world.http.calls.at(3).body == call.body, "a repeated callback is told alike");
}

BOOST_AUTO_TEST_CASE(parameters_that_contradict_each_other_are_refused_before_anybody_is_asked) {
  Bench bench(hooked());
  for (const char* params : {"&a=1&a%5Bb%5D=2", "&a%5Bb%5D=2&a=1", "&x%5Ba%5D%5Bb%5D=2&x%5Ba%5D=1"}) {
    BOOST_TEST(bench.upload(params) ==
               refused(400, "body: has a key both as a value and as an object", "bad_request", kPrevent));
    BOOST_TEST(bench.asked() == "");
  }
}

BOOST_AUTO_TEST_CASE(an_asynchronous_event_is_stored_before_the_answer) {
  Bench bench(hooked(R"("mode": "async")"));
  BOOST_TEST(bench.upload() == kVerified);
  BOOST_TEST(bench.asked() == "HEAD");
  BOOST_REQUIRE_EQUAL(bench.world.events.events.size(), 1U);
  BOOST_TEST(bench.world.stored == 1U);
  BOOST_TEST(!bench.hook_status.has_value());
  const NewEvent first = bench.world.events.events[0];
  BOOST_TEST(first.subject == "acme/uploads/bob/a b.png");
  BOOST_TEST(first.body.starts_with(R"({"id":")" + first.id));

  BOOST_TEST(bench.upload() == kVerified);
  BOOST_TEST(bench.world.events.events.at(1).id == first.id, "so that the store can tell the repetition");
  BOOST_TEST(bench.upload("&a=1") == kVerified);
  BOOST_TEST(bench.world.events.events.at(2).id != first.id);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_stored_is_no_success) {
  Bench bench(hooked(R"("mode": "async")"));
  bench.world.events.failure = "the disk is full";
  BOOST_TEST(bench.upload() ==
             "503 Retry-After=1" + refused(503, "The application cannot be asked now; try again.",
                                           "event_store_unavailable", "")
                                       .substr(3));
  BOOST_TEST(bench.code == "event_store_unavailable");
  BOOST_TEST(bench.reason == "the disk is full");
  BOOST_TEST(bench.world.stored == 0U);
  bench.world.events.failure.clear();
  BOOST_TEST(bench.upload() == kVerified);
  BOOST_TEST(bench.world.stored == 1U);
}

BOOST_AUTO_TEST_CASE(an_asynchronous_hook_needs_a_store) {
  FakePorts world;
  world.ports.events = nullptr;
  const FakeClock clock;
  BOOST_CHECK_THROW(App(site_from(hooked(R"("mode": "async")")), clock, &world.ports), std::logic_error);
  BOOST_CHECK_NO_THROW(App(site_from(hooked()), clock, &world.ports));
}

BOOST_AUTO_TEST_CASE(a_delete_is_announced_before_it_is_signed) {
  struct Row {
    const char* name;
    Outcome outcome;
    std::string answer;  ///< empty: a signature
  };
  const auto no = [](const char* status, std::string_view error, std::string_view code,
                     std::string_view more = "") {
    return status +
           R"( {"error":")"s.append(error).append(R"(","code":")").append(code).append("\"").append(more) +
           "}";
  };
  constexpr const char* kSilent = "The application cannot be asked now; try again.";
  const Row rows[] = {
      {"yes", http_answer(204), ""},
      {"yes, with data", http_answer(200, {}, R"({"id":7})"), ""},
      {"no", http_answer(403, {}, R"({"error":"It is in use."})"),
       no("403", "It is in use.", "hook_refused")},
      {"no, with flags", http_answer(409, {}, R"({"error":"no","reset":true,"preventRetry":true})"),
       no("403", "no", "hook_refused")},
      {"no, with data", http_answer(200, {}, R"({"success":false,"by":"alice","code":"x"})"),
       no("403", "The application refused this.", "hook_refused", R"(,"by":"alice")")},
      {"silence", failure(HttpFailure::timed_out), no("503 Retry-After=1", kSilent, "hook_unavailable")},
      {"503", http_answer(503, {}, R"({"error":"back at 8"})"),
       no("503 Retry-After=1", "back at 8", "hook_unavailable")},
      {"a page", http_answer(200, {}, "<html>"), no("503 Retry-After=1", kSilent, "hook_unavailable")},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(hooked(R"("delete_granted": true)"));
      bench.world.http.answers = {row.outcome};
      const std::string answer = bench.sign(query_for("DELETE"));
      BOOST_TEST(bench.asked().starts_with("POST"));
      const std::string& body = bench.world.http.calls.at(0).body;
      BOOST_TEST(body.find(R"("event":"delete_granted","user":"bob","account":"acme","container":"uploads",)"
                           R"("blob":"bob/a b.png","uuid":"","name":"","params":{},"verified":false})") !=
                 std::string::npos);
      if (row.answer.empty()) {
        BOOST_TEST(answer.starts_with("200 " + kBlobUrl + "?"));
        BOOST_TEST(answer.find("&sp=d&") != std::string::npos);
        BOOST_TEST((bench.response.content_type == ContentType::text));
      } else {
        BOOST_TEST(answer == row.answer);
        BOOST_TEST((bench.response.content_type == ContentType::json));
        BOOST_TEST(answer.find("sig=") == std::string::npos);
      }
      bench.world.http.calls.clear();
      BOOST_TEST(bench.sign(query_for("PUT")).starts_with("200 " + kBlobUrl + "?"));
      BOOST_TEST(bench.asked() == "", "a PUT is not announced");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_delete_that_the_policy_refuses_is_not_announced) {
  Bench bench(hooked(R"("delete_granted": true)"));
  for (const char* blob : {"alice/a", "bob/../a", "bob//a", ""}) {
    const std::string query =
        "_method=DELETE&bloburi=" + escaped("https://acme.blob.core.windows.net/uploads/"s + blob);
    BOOST_TEST(bench.sign(query).starts_with("403 "));
    BOOST_TEST(bench.asked() == "");
  }
}

BOOST_AUTO_TEST_CASE(a_delete_may_be_announced_later) {
  Bench bench(hooked(R"("mode": "async", "delete_granted": true)"));
  BOOST_TEST(bench.sign(query_for("DELETE")).starts_with("200 " + kBlobUrl + "?"));
  BOOST_REQUIRE_EQUAL(bench.world.events.events.size(), 1U);
  BOOST_TEST(bench.world.stored == 1U);
  BOOST_TEST(bench.asked() == "");

  bench.world.events.failure = "the disk is full";
  BOOST_TEST(bench.sign(query_for("DELETE")) ==
             R"(503 Retry-After=1 {"error":"The application cannot be asked now; try again.",)"
             R"("code":"event_store_unavailable"})");
  BOOST_TEST(bench.sign(query_for("PUT")).starts_with("200 "));
}

BOOST_AUTO_TEST_CASE(deletes_are_not_announced_unless_that_is_asked_for) {
  Bench bench(hooked());
  BOOST_TEST(bench.sign(query_for("DELETE")).starts_with("200 " + kBlobUrl + "?"));
  BOOST_TEST(bench.asked() == "");
}

BOOST_AUTO_TEST_CASE(a_worker_that_only_signs_refuses_deletes_that_are_to_be_announced) {
  Bench announcing(hooked(R"("delete_granted": true)"), false);
  BOOST_TEST(announcing.sign(query_for("DELETE")) ==
             R"(500 {"error":"the web server is misconfigured","code":"misconfigured"})");
  BOOST_TEST(announcing.reason == "this worker was started with --signatures-only");
  BOOST_TEST(announcing.sign(query_for("PUT")).starts_with("200 " + kBlobUrl + "?"));
  Bench silent(hooked(), false);
  BOOST_TEST(silent.sign(query_for("DELETE")).starts_with("200 " + kBlobUrl + "?"));
}

// The event loop answers what does not wait; whatever it takes for such must not wait.
BOOST_AUTO_TEST_CASE(only_callbacks_and_announced_deletes_may_wait) {
  struct Row {
    const char* name;
    const char* endpoint;
    const char* query;
    bool announced;  ///< with delete_granted
  };
  const Row rows[] = {
      {"a DELETE", "signature", "_method=DELETE&bloburi=x", true},
      {"behind the blob", "signature", "bloburi=x&_method=DELETE", true},
      {"an escaped value", "signature", "_method=%44ELETE&bloburi=x", true},
      {"all of the value escaped", "signature", "_method=%44%45%4c%45%54%45&bloburi=x", true},
      {"an escaped name", "signature", "%5fmethod=DELETE&bloburi=x", true},
      {"a PUT in the blob", "signature", "bloburi=_method=PUT&_method=DELETE", true},
      {"a PUT in another parameter", "signature", "x_method=PUT&_method=DELETE&bloburi=x", true},
      {"a PUT in another parameter's value", "signature", "q=_method=PUT&bloburi=x&_method=DELETE", true},
      {"a PUT", "signature", "_method=PUT&bloburi=x", false},
      {"an escaped PUT", "signature", "_method=%50UT&bloburi=x", false},
      {"a DELETE in the blob", "signature", "bloburi=_method=DELETE&_method=PUT", false},
      {"both", "signature", "_method=PUT&_method=DELETE&bloburi=x", false},
      {"no method", "signature", "bloburi=x", false},
      {"no blob", "signature", "_method=DELETE", false},
      {"lower case", "signature", "_method=delete&bloburi=x", false},
      {"a broken escape", "signature", "_method=DELETE&bloburi=%4", false},
      {"nothing", "signature", "", false},
      {"health", "health", "_method=DELETE&bloburi=x", false},
      {"no endpoint", "", "_method=DELETE&bloburi=x", false},
  };
  const auto announcing = site_from(hooked(R"("delete_granted": true)"));
  const auto later = site_from(hooked(R"("mode": "async", "delete_granted": true)"));
  const auto silent = site_from(hooked());
  const auto alone = site_from(site_with(""));
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Request request;
      request.endpoint = row.endpoint;
      request.method = "GET";
      request.query = row.query;
      BOOST_TEST(App::may_wait(*announcing, request) == row.announced);
      BOOST_TEST(App::may_wait(*later, request) == row.announced);
      BOOST_TEST(!App::may_wait(*silent, request));
      BOOST_TEST(!App::may_wait(*alone, request));
      request.endpoint = "success";
      BOOST_TEST(App::may_wait(*alone, request));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
