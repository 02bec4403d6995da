// What all endpoints have in common, and what is none.
#include <openssl/crypto.h>

#include "core/version.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/app_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::app_bench;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(app_tests)

BOOST_AUTO_TEST_CASE(a_worker_that_only_signs_refuses_what_might_wait) {
  Bench bench(kSite, false);
  BOOST_TEST(bench.answer(post(form_for(kAcme + "uploads", "bob/a.txt"))) ==
             "500 json " + refusal_of_success("the web server is misconfigured", "misconfigured", false));
  BOOST_TEST(bench.event.reason == "this worker was started with --signatures-only");
  BOOST_TEST(bench.answer(get(query_for(kAcme + "uploads/bob/a.txt"))).starts_with("200 text https://"));
}

BOOST_AUTO_TEST_CASE(what_the_web_server_got_wrong_is_no_client_error) {
  const std::string query = query_for(kAcme + "uploads/bob/a.txt");
  constexpr const char* kWhat = "the web server is misconfigured";
  Bench bench;
  for (const char* endpoint : {"", "Signature", "signature ", "sign", "Metrics", "success/"}) {
    BOOST_TEST_CONTEXT(endpoint) {
      Request request = get(query);
      request.endpoint = endpoint;
      BOOST_TEST(bench.answer(request) == "500 json " + refusal_of_signature(kWhat, "misconfigured"));
      BOOST_TEST(bench.event.reason ==
                 "BLOBVALET_ENDPOINT must be signature, success, session, health, live, ready or metrics");
    }
  }
  Request request = get(query);
  request.repeated_identity = true;
  BOOST_TEST(bench.answer(request) == "500 json " + refusal_of_signature(kWhat, "misconfigured"));
  BOOST_TEST(bench.logged() == "signature|id-1|bob||||||misconfigured|a BLOBVALET_ parameter came twice|500");
  request.endpoint = "success";
  BOOST_TEST(bench.answer(request) == "500 json " + refusal_of_success(kWhat, "misconfigured", false));
  request.endpoint = "health";
  BOOST_TEST(bench.answer(request) == "500 json " + refusal_of_signature(kWhat, "misconfigured"));
}

BOOST_AUTO_TEST_CASE(health_is_red_when_uploads_fail) {
  class FakeState final : public WorkerState {
   public:
    [[nodiscard]] SasLedger* ledger() override { return nullptr; }
    [[nodiscard]] std::optional<KeyStatus> key_status() const override {
      return KeyStatus{at("2026-03-01T12:00:00Z"), {}, skew};
    }
    [[nodiscard]] std::string reload_fault() const override { return fault; }
    std::optional<std::chrono::seconds> skew;
    std::string fault;
  };
  struct Row {
    const char* name;
    std::optional<std::chrono::seconds> skew;
    const char* fault;
    const char* status;
    const char* problems;
    const char* code;
  };
  const Row rows[] = {
      {"well", 0s, "", "200 json ok", "[]", "ok"},
      {"not measured", {}, "", "200 json ok", "[]", "ok"},
      {"a warning", 0s, "rules: is missing", "200 json warning",
       R"(["configuration: the old one is in use: rules: is missing"])", "ok"},
      {"failing", 61s, "", "503 json failing", R"(["clock: this machine is 61 s ahead of Azure"])", "ok"},
  };
  const FakeClock clock;
  for (const Row& row : rows) {
    for (const char* method : {"GET", "HEAD"}) {
      BOOST_TEST_CONTEXT(row.name << " " << method) {
        FakeState state;
        state.skew = row.skew;
        state.fault = row.fault;
        Bench bench;
        App app(site_from(kSite), clock, nullptr, &state);
        Request request;
        request.endpoint = "health";
        request.method = method;
        bench.event = app.handle(request, bench.response);
        const std::string status(row.status);
        BOOST_TEST(bench.shown() == status.substr(0, 9) + R"({"status":")" + status.substr(9) +
                                        R"(","version":")" + std::string(kVersion) +
                                        R"(","configuration":"","problems":)" + row.problems + "}");
        BOOST_TEST(bench.logged() == "health||||||||"s + row.code + "||" + status.substr(0, 3));
      }
    }
  }
}

// What the server around us refuses reads like what we refuse.
BOOST_AUTO_TEST_CASE(any_error_can_be_answered_without_a_look_at_the_request) {
  Bench bench;
  const Error busy{Errc::busy, "", "try again soon", "queue is full"};
  bench.event = App::fail(busy, get(""), bench.response);
  BOOST_TEST(bench.shown() == "503 json Retry-After=1 " + refusal_of_signature("try again soon", "busy"));
  BOOST_TEST(bench.logged() == "signature|id-1|bob||||||busy|queue is full|503");
  bench.event = App::fail(busy, post(""), bench.response);
  BOOST_TEST(bench.shown() ==
             "503 json Retry-After=1 " + refusal_of_success("try again soon", "busy", false));
  bench.event = App::fail({Errc::internal_error, "", "something went wrong here"}, post(""), bench.response);
  BOOST_TEST(bench.shown() ==
             "500 json " + refusal_of_success("something went wrong here", "internal_error", false));
}

BOOST_AUTO_TEST_CASE(nothing_of_an_answer_is_left_in_the_next) {
  Bench bench;
  const std::string query = query_for(kAcme + "uploads/bob/a.txt");
  const std::string signature = bench.answer(get(query));
  Request wrong_method = get(query);
  wrong_method.method = "POST";
  BOOST_TEST(bench.answer(wrong_method).starts_with("405 json Allow=GET "));
  BOOST_TEST(bench.answer(get(query)) == signature);
  bench.event = App::fail({Errc::busy, "", "try again soon"}, get(""), bench.response);
  BOOST_TEST(bench.answer(get(query)) == signature);
  BOOST_TEST(bench.answer(get("")) ==
             "400 json " + refusal_of_signature("_method: is missing", "missing_parameter"));
  BOOST_TEST(bench.logged() == "signature|id-1|bob||||||missing_parameter||400");
}

BOOST_AUTO_TEST_CASE(no_part_of_a_request_comes_back_in_a_refusal) {
  Bench bench;
  const std::string mark = "<script>\"mark";
  for (const std::string& query :
       {query_for("https://" + mark + "/c/x"), query_for(kAcme + mark + "/x"),
        query_for(kAcme + "nothing/" + mark), query_for(kAcme + "uploads/bob/\x01" + mark),
        query_for(kAcme, mark), mark + "=1&" + mark + "%"}) {
    BOOST_TEST_CONTEXT(query) {
      BOOST_TEST(bench.answer(get(query)).find("mark") == std::string::npos);
      BOOST_TEST(bench.answer(get(query, mark)).find("mark") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(neither_key_nor_signature_gets_into_the_log) {
  Bench bench;
  BOOST_TEST(bench.answer(get(query_for(kAcme + "uploads/bob/a.txt"))).find("&sig=") != std::string::npos);
  const std::string signature = bench.response.body.substr(bench.response.body.find("&sig=") + 5);
  BOOST_TEST(bench.logged().find("sig=") == std::string::npos);
  BOOST_TEST(bench.logged().find(signature.substr(0, 8)) == std::string::npos);
  BOOST_TEST(bench.response.body.find(kDevelopmentKey.substr(0, 16)) == std::string::npos);
}

// From the query to the answer's text: a worker that signs the same day and night never grows.
BOOST_AUTO_TEST_CASE(signing_allocates_nothing_once_it_is_warm) {
  struct Row {
    const char* name;
    std::string query;
    std::vector<NamedValue> vars = {};
    std::string user = "bob";
  };
  const Row rows[] = {
      {"a PUT", query_for(kAcme + "uploads/bob/a.txt")},
      {"a DELETE", query_for(kAcme + "uploads/bob/a.txt", "DELETE")},
      {"path style", query_for("http://127.0.0.1:10000/devstoreaccount1/uploads/bob/a.txt")},
      {"the longest name", query_for(kAcme + "uploads/bob/" + repeated("\xe4\xb8\xad", 1020))},
      {"a long user",
       query_for(kAcme + "uploads/" + std::string(200, 'u') + "/a"),
       {},
       std::string(200, 'u')},
      {"nobody", query_for(kAcme + "public-drop/a.txt"), {}, ""},
      {"further values", query_for(kAcme + "shared/t1/bob/a"), {{"tenant", "t1"}, {"department", "sales"}}},
      {"a refusal", query_for(kAcme + "nothing/a.txt")},
      {"a malformed query", "_method=PUT&bloburi=%4"},
  };
  for (const bool uri_mode : {false, true}) {
    Bench bench(uri_mode ? site_with(R"("success":)", R"("blob_names": "uri", "success":)")
                         : std::string(kSite));
    for (const Row& row : rows) {
      BOOST_TEST_CONTEXT(row.name << (uri_mode ? ", uri mode" : ", raw mode")) {
        Request request = get(row.query, row.user);
        request.vars = row.vars;
        (void)bench.app.handle(request, bench.response);
        const AllocationCount count;
        (void)bench.app.handle(request, bench.response);
        const std::size_t calls = count.calls();
        BOOST_TEST(calls == 0U);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_count_of_allocations_can_see_one) {
  const AllocationCount count;
  const std::string text(100, 'x');
  const std::size_t calls = count.calls();
  BOOST_TEST(calls == 1U);
  BOOST_TEST(text.size() == 100U);
}

BOOST_AUTO_TEST_CASE(the_count_of_allocations_can_see_one_of_openssl) {
  const AllocationCount count;
  OPENSSL_free(OPENSSL_malloc(100));
  const std::size_t calls = count.calls();
  BOOST_TEST(calls == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
