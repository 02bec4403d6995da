// What Azure says of a blob decides about its callback.
#include <algorithm>

#include "core/upload_acceptance.hpp"
#include "tests/unit/acceptance_bench.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace blobvalet::testing::acceptance_bench;
using namespace std::literals;

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

BOOST_AUTO_TEST_SUITE_END()
