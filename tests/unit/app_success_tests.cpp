// What the success endpoint answers before anybody is asked about the blob.
#include "tests/unit/app_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::app_bench;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(app_success_tests)

BOOST_AUTO_TEST_CASE(an_upload_that_could_have_been_signed_is_accepted) {
  struct Row {
    const char* name;
    std::string form;
    const char* logged;
    std::string_view user = "bob";
  };
  const Row rows[] = {
      {"plain", form_for(kAcme + "uploads", "bob/a.txt"),
       "success|id-1|bob|PUT|acme|uploads|bob/a.txt|own|ok||200"},
      {"a prefix in the container URL", form_for(kAcme + "uploads/bob", "a.txt"),
       "success|id-1|bob|PUT|acme|uploads|bob/a.txt|own|ok||200"},
      {"the host in capitals", form_for("HTTPS://ACME.blob.core.windows.net/uploads", "bob/a#?%41.txt"),
       "success|id-1|bob|PUT|acme|uploads|bob/a#?%41.txt|own|ok||200"},
      {"with parameters", form_for(kAcme + "uploads", "bob/a.txt") + "&&user%5Bn%5D=alice&&a=null",
       "success|id-1|bob|PUT|acme|uploads|bob/a.txt|own|ok||200"},
      {"by nobody", form_for(kAcme + "public-drop", "a.txt"),
       "success|id-1||PUT|acme|public-drop|a.txt|drop|ok||200", ""},
  };
  Bench bench;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(bench.answer(post(row.form, row.user)) == kAccepted);
      BOOST_TEST(bench.logged() == row.logged);
      BOOST_TEST(bench.answer(post(row.form, row.user)) == kAccepted, "the client may repeat its callback");
    }
  }
}

BOOST_AUTO_TEST_CASE(every_refusal_of_an_upload_is_json_that_stops_retries) {
  struct Row {
    const char* name;
    std::string form;
    const char* status;
    const char* error;
    const char* code;
    std::string_view user = "bob";
  };
  const std::string container = kAcme + "uploads";
  const std::string form = form_for(container, "bob/a.txt");
  const Row rows[] = {
      {"no body", "", "400", "blob: is missing", "missing_parameter"},
      {"no container", "blob=bob/a&name=a&uuid=" + kUuid, "400", "container: is missing",
       "missing_parameter"},
      {"an empty name", "blob=bob/a&name=&uuid=" + kUuid + "&container=c", "400", "name: is missing",
       "missing_parameter"},
      {"a blob twice", form + "&blob=bob/b", "400", "body: gives a key more than once",
       "duplicate_parameter"},
      {"a parameter twice", form + "&a=1&a=1", "400", "body: gives a key more than once",
       "duplicate_parameter"},
      {"a broken escape", form + "&a=%4", "400", "body: has a malformed percent escape", "bad_encoding"},
      {"no UTF-8", form + "&a=%ff", "400", "body: is not valid UTF-8", "bad_encoding"},
      {"no UTF-8 in the blob", form_for(container, "bob/\xff"), "400", "body: is not valid UTF-8",
       "bad_encoding"},
      {"a NUL", form + "&a=%00", "400", "body: holds a NUL", "bad_request"},
      {"malformed brackets", form + "&a%5B=1", "400", "body: has a key with malformed brackets",
       "bad_request"},
      {"no uuid's shape", "blob=bob/a&name=a&uuid=1&container=" + escaped(container), "400",
       "uuid: must be 8-4-4-4-12 hexadecimal digits", "bad_uuid"},
      {"another host", form_for("https://evil.example/uploads", "bob/a"), "403", kUnknownEndpoint,
       "unknown_endpoint"},
      {"a form's action", form_for("/submit", "bob/a"), "403", kUnknownEndpoint, "unknown_endpoint"},
      {"somebody else's folder", form_for(container, "alice/a"), "403", "bloburi: is not allowed",
       "not_allowed"},
      {"a container without rules", form_for(kAcme + "nothing", "bob/a"), "403", "bloburi: is not allowed",
       "not_allowed"},
      {"a container with a query", form_for(container + "?x=", "bob/a"), "403", "bloburi: is not allowed",
       "not_allowed"},
      {"a container that swallows the folder", form_for(container + "/alice", "bob/a"), "403",
       "bloburi: is not allowed", "not_allowed"},
      {"a trailing slash of the container", form_for(container + "/", "bob/a"), "403", kEmptySegment,
       "bad_blob_name"},
      {"a blob out of the folder", form_for(container + "/bob", "../alice/a"), "403",
       "blob name: has a segment . or .. which URLs cannot carry", "bad_blob_name"},
      {"a name too long", form_for(container, "bob/" + std::string(1021, 'a')), "403",
       "blob name: is longer than 1,024 characters", "bad_blob_name"},
      {"nobody", form, "403", "log in first", "login_required", ""},
      {"too many fields", form + "&a=1&b=2&c=3&d=4&e=5", "413", "body: has too many fields",
       "too_many_fields"},
      {"too deep", form + "&a[b][c]=1", "413", "body: nests its keys too deeply", "too_many_fields"},
  };
  Bench bench;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(bench.answer(post(row.form, row.user)) ==
                 row.status + " json "s + refusal_of_success(row.error, row.code));
      BOOST_TEST(bench.event.code == row.code);
      BOOST_TEST(bench.event.rule == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(what_nginx_says_of_a_callback_counts_before_its_form) {
  Bench bench;
  const std::string form = form_for(kAcme + "uploads", "bob/a.txt");
  const Request sound = post(form);
  BOOST_TEST(bench.answer(sound) == kAccepted);

  Request request = sound;
  request.origin = "https://page.example.com";
  BOOST_TEST(bench.answer(request) == kAccepted);
  request.origin = "-";
  BOOST_TEST(bench.answer(request) ==
             "403 json " + refusal_of_success("this page's origin is not allowed", "origin_not_allowed"));

  request = sound;
  request.body_too_large = true;
  request.body = "";
  BOOST_TEST(bench.answer(request) ==
             "413 json " + refusal_of_success("body: is too large", "body_too_large"));
  BOOST_TEST(bench.logged() == "success|id-1|bob||||||body_too_large||413");

  request = sound;
  request.body_cut_short = true;
  BOOST_TEST(bench.answer(request) ==
             "400 json " + refusal_of_success("body: is shorter than its Content-Length", "bad_request"));

  for (const char* type :
       {"", "text/plain;charset=UTF-8", "application/json", "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded; charset=iso-8859-1"}) {
    BOOST_TEST_CONTEXT(type) {
      request = sound;
      request.content_type = type;
      BOOST_TEST(bench.answer(request) ==
                 "415 json " +
                     refusal_of_success("Content-Type must be application/x-www-form-urlencoded in UTF-8",
                                        "unsupported_media_type"));
    }
  }
}

BOOST_AUTO_TEST_CASE(callbacks_come_by_post_or_where_allowed_by_put) {
  const std::string form = form_for(kAcme + "uploads", "bob/a.txt");
  const std::string body = refusal_of_success("this HTTP method is not allowed here", "method_not_allowed");
  Bench strict;
  Bench lenient(site_with(R"("max_depth": 2)", R"("max_depth": 2, "methods": ["POST", "PUT"])"));
  for (const char* method : {"", "GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "post", "put"}) {
    BOOST_TEST_CONTEXT(method) {
      Request request = post(form);
      request.method = method;
      BOOST_TEST(strict.answer(request) == "405 json Allow=POST " + body);
      BOOST_TEST(lenient.answer(request) == "405 json Allow=POST, PUT " + body);
    }
  }
  Request put = post(form);
  put.method = "PUT";
  BOOST_TEST(strict.answer(put) == "405 json Allow=POST " + body);
  BOOST_TEST(lenient.answer(put) == kAccepted);
}

BOOST_AUTO_TEST_CASE(only_what_the_policy_allows_is_looked_up) {
  Bench bench(site_with(R"("enabled": false)", R"("enabled": true)"));
  (void)bench.answer(post(form_for(kAcme + "uploads", "alice/a.txt")));
  (void)bench.answer(get(query_for(kAcme + "uploads/bob/a.txt")));
  BOOST_TEST(bench.world.http.asked() == "", "neither for a refused caller nor for a signature");

  bench.world.http.answers = {stored_blob()};
  BOOST_TEST(bench.answer(post(form_for(kAcme + "uploads", "bob/a.txt"))) ==
             R"(200 json {"success":true,"error":null,"verified":true})");
  BOOST_TEST(bench.world.http.asked() == "HEAD " + kAcme + "uploads/bob/a.txt\n");
}

BOOST_AUTO_TEST_SUITE_END()
