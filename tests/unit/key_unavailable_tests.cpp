#include "core/app.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

const std::string kBlob = "https://acme.blob.core.windows.net/uploads/bob/a.png";
constexpr std::string_view kNow = "2026-03-01T12:00:00Z";

std::shared_ptr<const SigningKey> key_of(std::string_view from, std::string_view until) {
  return std::make_shared<const SigningKey>(
      UserDelegationKey{"oid", "tid", std::string(from), std::string(until), "b", "2023-11-03", "",
                        secret("0123456789abcdef"), at(from), at(until)});
}
std::shared_ptr<const SigningKey> good_key() {
  return key_of("2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z");
}
std::shared_ptr<const SigningKey> old_key() {
  return key_of("2026-02-01T00:00:00Z", kNow);
}

/// What an account with an identity makes of requests. `success` are members of it.
struct Bench {
  explicit Bench(std::shared_ptr<const SigningKey> key, const std::string& success = "",
                 const std::string& rule = "")
      : site(site_with(std::move(key), success, rule)), app(site, clock, &world.ports) {
    world.http.answers = {stored_blob()};
  }
  static std::shared_ptr<const Site> site_with(std::shared_ptr<const SigningKey> key,
                                               const std::string& success, const std::string& rule) {
    return std::make_shared<const Site>(
        config_from(R"({"accounts":[{"name":"acme","endpoint":"https://acme.blob.core.windows.net",
                         "credential":{"type":"default"}}],
                        "rules":[{"name":"own","account":"acme","container":"uploads","blobs":["{user}/**"],
                         "methods":["PUT","DELETE"])" +
                    rule + R"(}],"success":{)" + success + "}}"),
        std::vector{AccountKeys{std::move(key), nullptr}},
        std::make_shared<const SecretBytes>(secret(kHookSecret)));
  }

  /// `<status> <type>[ Retry-After=<seconds>] <body>` of a signature.
  std::string sign(std::string_view verb, std::string_view blob = "bob/a.png") {
    query = "bloburi=" + escaped("https://acme.blob.core.windows.net/uploads/" + std::string(blob)) +
            "&_method=" + std::string(verb);
    Request request = signature_request(query);
    return answer(request);
  }
  /// The same of a callback.
  std::string upload() {
    query = "blob=" + escaped("bob/a.png") +
            "&uuid=f9a922bd-3007-4393-a76e-925fc009639c&name=a.png&container=" +
            escaped("https://acme.blob.core.windows.net/uploads");
    Request request;
    request.endpoint = "success";
    request.method = "POST";
    request.content_type = "application/x-www-form-urlencoded; charset=UTF-8";
    request.body = query;
    return answer(request);
  }
  std::string answer(Request& request) {
    request.user = "bob";
    request.remote_addr = "203.0.113.7";
    event = app.handle(request, response);
    std::string text = std::to_string(static_cast<unsigned>(response.status));
    text.append(response.content_type == ContentType::json ? " json" : " text");
    if (response.retry_after) text.append(" Retry-After=" + std::to_string(response.retry_after->count()));
    return text + " " + response.body;
  }
  [[nodiscard]] std::string asked() const { return world.http.asked(); }
  [[nodiscard]] std::string cut_short() const {
    return event.cut_short ? std::to_string(event.cut_short->count()) + " s" : "no";
  }

  FakeClock clock;
  FakePorts world;
  std::shared_ptr<const Site> site;
  App app;
  std::string query;
  Response response;
  Event event;
};

constexpr const char* kRefusedSignature =
    R"(503 json Retry-After=5 {"error":"uploads are not possible now; try again later","code":"key_unavailable"})";
constexpr const char* kRefusedCallback =
    R"(503 json Retry-After=5 {"error":"uploads are not possible now; try again later","code":"key_unavailable",)"
    R"("success":false})";
const std::string kHook =
    R"("hook":{"url":"https://app.example.com/","secret_file":"s","delete_granted":true})";

}  // namespace

BOOST_AUTO_TEST_SUITE(key_unavailable_tests)

BOOST_AUTO_TEST_CASE(nothing_is_signed_without_a_valid_key) {
  struct Row {
    const char* name;
    std::shared_ptr<const SigningKey> key;
    const char* reason;
  };
  const Row rows[] = {
      {"none yet", nullptr, "there is no user delegation key yet"},
      {"an old one", old_key(), "the user delegation key has expired"},
      {"one of the future", key_of("2026-03-01T12:00:01Z", "2026-03-04T00:00:00Z"),
       "the user delegation key is not valid yet: check the clock"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(row.key);
      for (const char* verb : {"PUT", "DELETE"}) {
        BOOST_TEST(bench.sign(verb) == kRefusedSignature);
        BOOST_TEST(bench.event.code == "key_unavailable");
        BOOST_TEST(bench.event.reason == row.reason);
        BOOST_TEST(bench.event.rule == "own");
      }
      // Our own requests are signed, too.
      BOOST_TEST(bench.upload() == kRefusedCallback);
      BOOST_TEST(bench.event.reason == row.reason);
      BOOST_TEST(bench.asked() == "");
    }
  }
}

// It must not tell a stranger what is wrong here.
BOOST_AUTO_TEST_CASE(what_the_policy_refuses_is_refused_as_ever) {
  Bench with(good_key());
  Bench without(nullptr);
  for (const char* blob : {"alice/a", "bob//a", ""}) {
    BOOST_TEST_CONTEXT(blob) {
      const std::string refusal = without.sign("PUT", blob);
      BOOST_TEST(refusal.starts_with("403 json {"));
      BOOST_TEST(refusal == with.sign("PUT", blob));
    }
  }
}

BOOST_AUTO_TEST_CASE(azure_is_asked_for_nothing_that_need_not_be_signed) {
  struct Row {
    const char* name;
    const char* success;
    const char* rule;
    const char* answer;
  };
  const Row rows[] = {
      {"nobody looks at the blob", R"("verify":{"enabled":false})", "",
       R"(200 json {"success":true,"error":null})"},
      {"silence of Azure is forgiven, but not ours", R"("verify":{"on_azure_failure":"accept"})", "",
       kRefusedCallback},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(nullptr, row.success, row.rule);
      BOOST_TEST(bench.upload() == row.answer);
      BOOST_TEST(bench.asked() == "");
    }
  }
}

// An application that is told of a delete believes it.
BOOST_AUTO_TEST_CASE(the_application_is_not_told_of_a_delete_that_cannot_be_signed) {
  for (const auto& key : {std::shared_ptr<const SigningKey>(), old_key()}) {
    Bench bench(key, kHook);
    BOOST_TEST(bench.sign("DELETE") == kRefusedSignature);
    BOOST_TEST(bench.asked() == "");
  }
  Bench bench(good_key(), kHook);
  bench.world.http.answers = {http_answer(204)};
  BOOST_TEST(bench.sign("DELETE").starts_with("200 text " + kBlob + "?"));
  BOOST_TEST(bench.asked() == "POST https://app.example.com/\n");
}

BOOST_AUTO_TEST_CASE(a_refused_delete_leaves_nothing_of_its_signature) {
  struct Row {
    const char* name;
    FakeHttp::Outcome outcome;
    const char* answer;
  };
  const Row rows[] = {
      {"no", http_answer(403, {}, R"({"error":"It is in use."})"),
       R"(403 json {"error":"It is in use.","code":"hook_refused"})"},
      {"silence", tl::unexpected(HttpFailure::unreachable),
       R"(503 json Retry-After=1 {"error":"The application cannot be asked now; try again.",)"
       R"("code":"hook_unavailable"})"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      // A key that ends early, so that there is something to say of the SAS.
      Bench bench(key_of("2026-03-01T00:00:00Z", "2026-03-01T12:01:00Z"), kHook);
      bench.world.http.answers = {row.outcome};
      BOOST_TEST(bench.sign("DELETE") == row.answer);
      BOOST_TEST(bench.cut_short() == "no");
      BOOST_TEST(bench.response.body.find("sig=") == std::string::npos);
      bench.world.http.answers = {http_answer(204)};
      BOOST_TEST(bench.sign("DELETE").starts_with("200 text "));
      BOOST_TEST(bench.cut_short() == "240 s");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_sas_that_is_cut_short_is_logged) {
  struct Row {
    const char* name;
    const char* until;
    const char* put;
    const char* del;
  };
  constexpr Row kRows[] = {
      {"long enough", "2026-03-01T12:15:00Z", "no", "no"},
      {"a second less", "2026-03-01T12:14:59Z", "1 s", "no"},
      {"less than both", "2026-03-01T12:04:00Z", "660 s", "60 s"},
      {"the last second", "2026-03-01T12:00:01Z", "899 s", "299 s"},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(key_of("2026-03-01T00:00:00Z", row.until));
      BOOST_TEST(bench.sign("PUT").starts_with("200 text "));
      BOOST_TEST(bench.cut_short() == row.put);
      BOOST_TEST(bench.sign("DELETE").starts_with("200 text "));
      BOOST_TEST(bench.cut_short() == row.del);
      (void)bench.sign("PUT", "alice/a");
      BOOST_TEST(bench.cut_short() == "no");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_key_that_comes_later_helps) {
  Bench bench(key_of("2026-03-01T12:00:01Z", "2026-03-04T00:00:00Z"));
  BOOST_TEST(bench.sign("PUT") == kRefusedSignature);
  bench.clock.time += 1s;
  BOOST_TEST(bench.sign("PUT").starts_with("200 text " + kBlob + "?"));
  BOOST_TEST(bench.upload() == R"(200 json {"success":true,"error":null,"verified":true})");
  bench.clock.time = at("2026-03-04T00:00:00Z");
  BOOST_TEST(bench.sign("PUT") == kRefusedSignature);
}

BOOST_AUTO_TEST_SUITE_END()
