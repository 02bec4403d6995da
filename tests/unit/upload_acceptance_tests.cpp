#include <rapidjson/document.h>

#include <algorithm>

#include "core/app.hpp"
#include "core/upload_acceptance.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;
using Outcome = FakeHttp::Outcome;

const std::string kBlob = "https://acme.blob.core.windows.net/uploads/bob/a b.png";
const std::string kBlobUrl = "https://acme.blob.core.windows.net/uploads/bob/a%20b.png";
const std::string kHook = "https://app.example.com/uploads";
constexpr const char* kUuid = "f9a922bd-3007-4393-a76e-925fc009639c";

/// A site of one rule; members for its `success` and for the rule.
std::string site_with(const std::string& success, const std::string& rule = "") {
  return R"({"accounts": [{"name": "acme", "endpoint": "https://acme.blob.core.windows.net",
               "credential": {"type": "shared_key", "key_file": "k"}}],
    "rules": [{"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"],
               "methods": ["PUT", "DELETE"])" +
         (rule.empty() ? "" : ", " + rule) + R"(}],
    "success": {)" +
         success + "}}";
}
std::string verifying(const std::string& members) {
  return site_with(R"("verify": {)" + members + "}");
}
std::string hooked(const std::string& members = "", const std::string& verify = "") {
  return site_with(R"("verify": {)" + verify + R"(}, "hook": {"url": ")" + kHook +
                   R"(", "secret_file": "s")" + (members.empty() ? "" : ", " + members) + "}");
}

Outcome failure(HttpFailure reason) {
  return tl::unexpected(reason);
}

/// ` If-Match: ...` of a request, or nothing.
std::string if_match_of(const HttpCall& call) {
  for (const std::string& header : call.headers) {
    if (header.starts_with("If-Match: ")) return " " + header;
  }
  return "";
}

struct Bench {
  explicit Bench(const std::string& json, bool with_ports = true)
      : site(site_from(json)), app(site, clock, with_ports ? &world.ports : nullptr) {
    world.http.answers = {stored_blob()};
  }

  /// `<status>[ Retry-After=<seconds>] <body>` of a callback.
  std::string upload(const std::string& more = "", std::vector<NamedValue> headers = {}) {
    const std::string form = "blob=" + escaped("bob/a b.png") + "&uuid=" + kUuid + "&name=a.png&container=" +
                             escaped("https://acme.blob.core.windows.net/uploads") + more;
    Request request;
    request.endpoint = "success";
    request.method = "POST";
    request.content_type = "application/x-www-form-urlencoded; charset=UTF-8";
    request.body = form;
    request.headers = std::move(headers);
    return answer(request);
  }
  std::string sign(const std::string& query) {
    Request request;
    request.endpoint = "signature";
    request.method = "GET";
    request.query = query;
    return answer(request);
  }
  std::string answer(Request& request) {
    request.user = "bob";
    request.remote_addr = "203.0.113.7";
    request.request_id = "id-1";
    const Event event = app.handle(request, response);
    code = event.code;
    reason = event.reason;
    action = event.action;
    verified = event.verified;
    hook_status = event.hook_status;
    etag = event.etag;
    std::string text = std::to_string(static_cast<unsigned>(response.status));
    if (response.retry_after) text += " Retry-After=" + std::to_string(response.retry_after->count());
    return text + " " + response.body;
  }
  /// `HEAD`, `DELETE If-Match: ...` and so on: what was asked, one after the other.
  [[nodiscard]] std::string asked() const {
    std::string text;
    for (const HttpCall& call : world.http.calls)
      text += (text.empty() ? "" : ", ") + call.method + if_match_of(call);
    return text;
  }

  FakeClock clock;
  FakePorts world;
  std::shared_ptr<const Site> site;
  App app;
  Response response;
  // Of the last event.
  std::string code;
  std::string reason;
  std::string action;
  std::string etag;
  std::optional<bool> verified;
  std::optional<int> hook_status;
};

std::string refused(int status, std::string_view error, std::string_view code, std::string_view more) {
  std::string text = std::to_string(status) + R"( {"error":")";
  return text.append(error)
      .append(R"(","code":")")
      .append(code)
      .append(R"(","success":false)")
      .append(more)
      .append("}");
}
constexpr std::string_view kPrevent = R"(,"preventRetry":true)";
constexpr std::string_view kReset = R"(,"reset":true)";
constexpr const char* kVerified = R"(200 {"success":true,"error":null,"verified":true})";

std::string query_for(std::string_view verb) {
  return "bloburi=" + escaped(kBlob) + "&_method=" + std::string(verb) + "&qqtimestamp=1";
}

/// The parameters of a SAS, decoded; nothing for a name that it does not have.
std::string parameter(const std::string& url, const std::string& name) {
  const std::size_t begin = url.find_first_of("?&", url.find('?'));
  const std::size_t found = url.find("&" + name + "=", begin);
  const std::size_t first = url.find("?" + name + "=", 0);
  const std::size_t place = first != std::string::npos ? first : found;
  if (place == std::string::npos) return "nothing";
  const std::size_t value = place + name.size() + 2;
  return unescaped(url.substr(value, url.find('&', value) - value));
}

/// The `thumbnailUrl` of the answer; empty: none.
std::string thumbnail_of(const Bench& bench) {
  rapidjson::Document document;
  document.Parse(bench.response.body.c_str());
  BOOST_REQUIRE(document.IsObject());
  return document.HasMember("thumbnailUrl") ? document["thumbnailUrl"].GetString() : "";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(upload_acceptance_tests)

BOOST_AUTO_TEST_CASE(an_upload_that_azure_has_is_accepted) {
  Bench bench(site_with(""));
  BOOST_TEST(bench.upload() == kVerified);
  BOOST_TEST(bench.asked() == "HEAD");
  BOOST_TEST(bench.world.http.asked() == "HEAD " + kBlobUrl + "\n");
  BOOST_TEST(bench.code == "ok");
  BOOST_TEST(bench.etag == "\"0x8D1\"");
  BOOST_TEST((bench.verified == true));
  BOOST_TEST(!bench.hook_status.has_value());
  BOOST_TEST(bench.upload() == kVerified, "a repeated callback has the same answer, byte for byte");
}

BOOST_AUTO_TEST_CASE(who_is_not_asked_is_not_mentioned) {
  Bench bench(verifying(R"("enabled": false)"));
  BOOST_TEST(bench.upload() == R"(200 {"success":true,"error":null})");
  BOOST_TEST(bench.asked() == "");
  BOOST_TEST(!bench.verified.has_value());
}

BOOST_AUTO_TEST_CASE(properties_are_told_where_that_is_asked_for) {
  Bench bench(verifying(R"("answer_properties": true)"));
  BOOST_TEST(bench.upload() ==
             R"(200 {"success":true,"error":null,"verified":true,"size":5,"content_type":"image/png",)"
             R"("etag":"\"0x8D1\"","last_modified":"Sun, 01 Mar 2026 11:59:58 GMT"})");
  bench.world.http.answers = {stored_blob({{"content-type", "a/b\"<\xff"}})};
  BOOST_TEST(bench.upload().find(R"("content_type":"a/b\"<?")") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(every_violation_is_answered_and_the_blob_kept_deleted_or_tagged) {
  struct Row {
    const char* name;
    const char* verify;
    HttpAnswer blob;
    const char* error;
    const char* code;
    bool reads = false;  ///< also the first bytes
  };
  const Row rows[] = {
      {"a page blob", "", stored_blob({{"x-ms-blob-type", "PageBlob"}}), "blob: is not a block blob",
       "blob_type_not_allowed"},
      {"a copy", "", stored_blob({{"x-ms-copy-status", "pending"}}), "blob: is a copy that is not complete",
       "copy_incomplete"},
      {"too small", R"("min_bytes": 6)", stored_blob(), "blob: is too small", "blob_too_small"},
      {"too large", R"("max_bytes": 4)", stored_blob(), "blob: is too large", "blob_too_large"},
      {"an extension", R"("extensions": ["jpg"])", stored_blob(),
       "blob: has a file name extension that is not allowed", "extension_not_allowed"},
      {"a type", R"("content_types": ["image/jpeg"])", stored_blob(),
       "blob: is of a type that is not allowed", "content_type_not_allowed"},
      {"no file name", R"("require_filename": true)", stored_blob(), "blob: has no metadata qqfilename",
       "filename_missing"},
      {"its bytes", R"("magic": true)", stored_blob({{"content-type", "image/jpeg"}}),
       "blob: does not hold what its type says", "content_mismatch", true},
  };
  struct Way {
    const char* name;
    const char* action;
    const char* failed;
    const char* asked;
    int done;
  };
  const Way ways[] = {
      {"keep", "kept", "kept", "", 0},
      {"delete", "deleted", "not_deleted", ", DELETE If-Match: \"0x8D1\"", 202},
      {"tag", "tagged", "not_tagged", ", PUT", 204},
  };
  for (const Row& row : rows) {
    for (const Way& way : ways) {
      BOOST_TEST_CONTEXT(row.name << ", " << way.name) {
        const std::string comma = *row.verify == '\0' ? "" : ", ";
        Bench bench(verifying(row.verify + comma + R"("on_violation": ")" + way.name + "\""));
        std::vector<Outcome> seen{row.blob};
        if (row.reads) seen.emplace_back(http_answer(206, {}, "bytes"));
        const std::string expected = refused(422, row.error, row.code, kPrevent);
        const std::string asked = (row.reads ? "HEAD, GET If-Match: \"0x8D1\""s : "HEAD"s) + way.asked;

        bench.world.http.answers = seen;
        bench.world.http.answers.emplace_back(http_answer(way.done));
        BOOST_TEST(bench.upload() == expected);
        BOOST_TEST(bench.asked() == asked);
        BOOST_TEST(bench.action == way.action);
        BOOST_TEST(bench.code == row.code);
        BOOST_TEST((bench.verified == false));
        if (row.reads) BOOST_TEST(bench.world.magic_numbers.seen == "bytes");

        // Once the blob is gone, a repeated callback hears the same as the first.
        const std::string missing = refused(422, "blob: was not uploaded", "blob_not_found", kReset);
        bench.world.http.answers = {http_answer(404)};
        BOOST_TEST(bench.upload() == (way.done == 202 ? expected : missing));
        bench.world.refusals.known.clear();
        BOOST_TEST(bench.upload() == missing);

        // That it cannot be done changes what the log says, and nothing else.
        bench.world.http.calls.clear();
        bench.world.http.answers = seen;
        bench.world.http.answers.emplace_back(http_answer(403));
        BOOST_TEST(bench.upload() == expected);
        BOOST_TEST(bench.asked() == asked);
        BOOST_TEST(bench.action == way.failed);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(another_upload_may_cure_it_and_the_blob_stays) {
  struct Row {
    const char* name;
    const char* verify;
    HttpAnswer blob;
    const char* params;
    const char* error;
    const char* code;
  };
  const Row rows[] = {
      {"not there", "", http_answer(404), "", "blob: was not uploaded", "blob_not_found"},
      {"another size", R"("size_parameter": "size", )", stored_blob(), "&size=6",
       "blob: is not as long as the file", "size_mismatch"},
      {"no size", R"("size_parameter": "size", )", stored_blob(), "", "blob: is not as long as the file",
       "size_mismatch"},
      {"another MD5", "", stored_blob({{"content-md5", "b"}}), "&Content-MD5=a",
       "blob: does not have the MD5 of the file", "md5_mismatch"},
  };
  for (const char* way : {"keep", "delete", "tag"}) {
    for (const Row& row : rows) {
      BOOST_TEST_CONTEXT(row.name << ", " << way) {
        Bench bench(verifying(std::string(row.verify) + R"("on_violation": ")" + way + "\""));
        bench.world.http.answers = {row.blob};
        BOOST_TEST(bench.upload(row.params) == refused(422, row.error, row.code, kReset));
        BOOST_TEST(bench.asked() == "HEAD");
        BOOST_TEST(bench.action == "");
      }
    }
  }
}

// A rule's own options count before those of all rules.
BOOST_AUTO_TEST_CASE(a_rule_may_ask_for_something_else) {
  Bench bench(site_with(R"("verify": {"max_bytes": 4, "extensions": ["jpg"]})",
                        R"("verify": {"max_bytes": null, "extensions": []})"));
  BOOST_TEST(bench.upload() == kVerified);
}

BOOST_AUTO_TEST_CASE(what_azure_does_not_say_is_503_or_believed) {
  struct Row {
    const char* name;
    Outcome outcome;
    const char* code;
    const char* reason;
    bool believed;  ///< with on_azure_failure accept
    const char* retry_after = "1";
  };
  const Row rows[] = {
      {"unreachable", failure(HttpFailure::unreachable), "azure_unavailable", "Azure cannot be reached",
       true},
      {"too slow", failure(HttpFailure::timed_out), "azure_unavailable", "Azure did not answer in time",
       true},
      {"throttled", http_answer(503, {{"retry-after", "7"}}), "azure_unavailable", "Azure is throttling us",
       true, "7"},
      {"429", http_answer(429, {{"retry-after", "70"}}), "azure_unavailable", "Azure is throttling us", true,
       "60"},
      {"500", http_answer(500), "azure_unavailable", "Azure has failed", true},
      {"untrusted", failure(HttpFailure::untrusted), "azure_refused",
       "the certificate of the account's endpoint is not trusted", false},
      {"no HTTP", failure(HttpFailure::malformed), "azure_refused", "the endpoint does not speak HTTP",
       false},
      {"refused", http_answer(403, {{"x-ms-error-code", "AuthenticationFailed"}}), "azure_refused",
       "AuthenticationFailed", false},
      {"no storage account", http_answer(200), "azure_refused",
       "the endpoint's answer is not that of a storage account", false},
      {"a redirect", http_answer(302), "azure_refused", "Azure refused our request", false},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const std::string no = refused(503, "the upload cannot be checked now", row.code, "");
      const std::string answer = "503 Retry-After="s + row.retry_after + no.substr(3);
      Bench strict(site_with(""));
      strict.world.http.answers = {row.outcome};
      BOOST_TEST(strict.upload() == answer);
      BOOST_TEST(strict.reason == row.reason);
      BOOST_TEST((strict.verified == false));
      strict.world.http.answers = {stored_blob()};
      BOOST_TEST(strict.upload() == kVerified, "a success after a failure says that there is no error");

      Bench lenient(verifying(R"("on_azure_failure": "accept", "answer_properties": true)"));
      lenient.world.http.answers = {row.outcome};
      BOOST_TEST(lenient.upload() ==
                 (row.believed ? R"(200 {"success":true,"error":null,"verified":false})" : answer));
      BOOST_TEST(lenient.reason == row.reason);
    }
  }
}

// Azure's silence is forgiven; what it said is not.
BOOST_AUTO_TEST_CASE(a_lenient_site_still_refuses_what_azure_does_say) {
  Bench bench(verifying(R"("on_azure_failure": "accept", "max_bytes": 4)"));
  bench.world.http.answers = {http_answer(404)};
  BOOST_TEST(bench.upload() == refused(422, "blob: was not uploaded", "blob_not_found", kReset));
  bench.world.http.answers = {stored_blob()};
  BOOST_TEST(bench.upload() == refused(422, "blob: is too large", "blob_too_large", kPrevent));
}

BOOST_AUTO_TEST_CASE(a_blob_that_changes_meanwhile_is_looked_at_again_later) {
  for (const int status : {404, 412}) {
    Bench bench(verifying(R"("magic": true, "on_violation": "delete")"));
    bench.world.http.answers = {stored_blob(), http_answer(status)};
    const std::string no = refused(503, "blob: is being changed; try again", "busy", "");
    BOOST_TEST(bench.upload() == "503 Retry-After=1" + no.substr(3));
    BOOST_TEST(bench.asked() == "HEAD, GET If-Match: \"0x8D1\"");
  }
}

BOOST_AUTO_TEST_CASE(all_questions_share_one_deadline) {
  Bench bench(verifying(R"("deadline_ms": 500, "magic": true)"));
  bench.world.http.answers = {stored_blob(), failure(HttpFailure::timed_out)};
  const auto begin = bench.world.timer.time;
  BOOST_TEST(bench.upload().starts_with("503 "));
  BOOST_TEST((bench.world.timer.time - begin <= 500ms));
}

BOOST_AUTO_TEST_CASE(thumbnails_are_read_links_of_images_only) {
  struct Row {
    const char* type;
    const char* shown_as;  ///< empty: no thumbnail
  };
  const Row rows[] = {
      {"image/png", "image/png"},
      {"image/jpeg", "image/jpeg"},
      {"image/gif", "image/gif"},
      {"image/webp", "image/webp"},
      {"image/avif", "image/avif"},
      {"image/bmp", "image/bmp"},
      {"IMAGE/PNG", "image/png"},
      {"image/png; charset=<script>", "image/png"},
      {"image/svg+xml", ""},
      {"IMAGE/SVG+XML", ""},
      {"image/png+xml", ""},
      {"image/tiff", ""},
      {"image/*", ""},
      {"text/html", ""},
      {"text/html; image/png", ""},
      {"application/xhtml+xml", ""},
      {"application/pdf", ""},
      {"application/octet-stream", ""},
      {"video/mp4", ""},
      {"", ""},
  };
  Bench bench(site_with(R"("thumbnail": {"type": "read_sas", "lifetime_seconds": 600})",
                        R"("sas": {"bind_client_ip": true, "encryption_scope": "scope-1"})"));
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.type) {
      bench.world.http.answers = {stored_blob({{"content-type", row.type}})};
      BOOST_TEST(bench.upload().starts_with(R"(200 {"success":true,"error":null,"verified":true)"));
      const std::string url = thumbnail_of(bench);
      BOOST_TEST(url.empty() == (*row.shown_as == '\0'));
      if (url.empty()) continue;
      // The client's gallery takes the file's type from what stands between the last slash and the `?`.
      const std::size_t query = url.find('?');
      BOOST_TEST(url.substr(0, query) == kBlobUrl);
      BOOST_TEST(url.find('/', query) == std::string::npos, "a raw slash in the query");
      BOOST_TEST(parameter(url, "sp") == "r");
      BOOST_TEST(parameter(url, "se") == "2026-03-01T12:10:00Z");
      BOOST_TEST(parameter(url, "spr") == "https");
      BOOST_TEST(parameter(url, "rscd") == "attachment");
      BOOST_TEST(parameter(url, "rsct") == row.shown_as);
      for (const char* name : {"sip", "ses", "st", "si"})
        BOOST_TEST(parameter(url, name) == "nothing");
      const std::string first = bench.response.body;
      (void)bench.upload();
      BOOST_TEST(bench.response.body == first);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_template_is_filled_in) {
  struct Row {
    const char* name;
    std::string url;
    std::string expanded;
  };
  const Row rows[] = {
      {"the blob, encoded", "https://cdn.example.com/{blob}", "https://cdn.example.com/bob/a%20b.png"},
      {"all names", "https://{account}.example.com/{container}/{blob}?u={uuid}",
       "https://acme.example.com/uploads/bob/a%20b.png?u="s + kUuid},
      {"a path", "/thumbs/{uuid}.png", "/thumbs/"s + kUuid + ".png"},
      {"twice", "/{container}/{container}", "/uploads/uploads"},
      {"no name", "https://cdn.example.com/fixed.png", "https://cdn.example.com/fixed.png"},
      {"side by side", "/{account}{container}", "/acmeuploads"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(site_with(R"("thumbnail": {"type": "template", "url": ")" + row.url + "\"}"));
      (void)bench.upload();
      BOOST_TEST(thumbnail_of(bench) == row.expanded);
      bench.world.http.answers = {stored_blob({{"content-type", "image/svg+xml"}})};
      (void)bench.upload();
      BOOST_TEST(thumbnail_of(bench) == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(what_nobody_has_seen_has_no_thumbnail) {
  for (const char* thumbnail : {R"({"type": "read_sas"})", R"({"type": "template", "url": "/{blob}"})"}) {
    Bench bench(site_with(R"("verify": {"on_azure_failure": "accept"}, "thumbnail": )"s + thumbnail));
    bench.world.http.answers = {http_answer(500)};
    BOOST_TEST(bench.upload() == R"(200 {"success":true,"error":null,"verified":false})");
  }
}

BOOST_AUTO_TEST_CASE(a_thumbnail_of_the_application_wins) {
  Bench bench(site_with(R"("thumbnail": {"type": "read_sas"}, "hook": {"url": ")" + kHook +
                        R"(", "secret_file": "s"})"));
  bench.world.http.answers = {stored_blob(), http_answer(200, {}, R"({"thumbnailUrl":"/t/1.png"})")};
  BOOST_TEST(bench.upload() ==
             R"(200 {"success":true,"error":null,"verified":true,"thumbnailUrl":"/t/1.png"})");
  bench.world.http.answers = {stored_blob(), http_answer(200, {}, R"({"thumbnailUrl":""})")};
  (void)bench.upload();
  BOOST_TEST(thumbnail_of(bench).starts_with(kBlobUrl + "?"));
}

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
