#include "core/session_files.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// `rule` and `session` are further members of the rule and of the configuration's session.
std::string site_with(const std::string& rule = "", const std::string& session = "",
                      const std::string& more = "") {
  return R"({"accounts": [{"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key", "key_file": "k"}}],
    "rules": [
      {"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"], "methods": ["PUT", "DELETE"],
       "list": true)" +
         (rule.empty() ? "" : "," + rule) + R"(},
      {"name": "shared", "account": "acme", "container": "uploads", "blobs": ["pool/{user}/*"], "methods": ["PUT"]},
      {"name": "drop", "account": "acme", "container": "drop", "blobs": ["**"], "methods": ["PUT"], "anonymous": true}],
    "session": {)" +
         session + "}" + more + "}";
}

struct Entry {
  std::string name;
  int day = 1;  ///< of March
  std::string metadata = "";
  std::string type = "text/plain";
};

HttpAnswer page_of(const std::vector<Entry>& entries, const std::string& marker = "") {
  std::string xml = "<EnumerationResults><Blobs>";
  for (const Entry& entry : entries) {
    const std::string day = (entry.day < 10 ? "0" : "") + std::to_string(entry.day);
    xml.append("<Blob><Name>")
        .append(entry.name)
        .append("</Name><Properties><Last-Modified>Sun, ")
        .append(day);
    xml.append(
        " Mar 2026 12:00:00 "
        "GMT</Last-Modified><Etag>1</Etag><Content-Length>5</Content-Length><Content-Type>");
    xml.append(entry.type).append("</Content-Type><BlobType>BlockBlob</BlobType></Properties><Metadata>");
    xml.append(entry.metadata).append("</Metadata></Blob>");
  }
  return http_answer(200, {}, xml + "</Blobs><NextMarker>" + marker + "</NextMarker></EnumerationResults>");
}

struct Bench {
  explicit Bench(const std::string& json = site_with())
      : site(site_from(json)), app(site, clock, &ports.ports) {}

  Event ask(std::string_view container = "https://acme/uploads/alice", std::string_view user = "alice") {
    query = "container=" + escaped(container) + "&qqtimestamp=1";
    Request request = signature_request(query, user);
    request.endpoint = "session";
    return app.handle(request, response);
  }
  /// The parameters of a call that are not the SAS's, decoded.
  [[nodiscard]] std::string asked(std::size_t call) const {
    const std::string& url = ports.http.calls.at(call).url;
    return unescaped(url.substr(url.find("&include=") + 1));
  }
  /// The blobName of each item.
  [[nodiscard]] std::string names() const {
    std::string names;
    constexpr std::string_view kKey = R"("blobName":")";
    for (std::size_t at = response.body.find(kKey); at != std::string::npos;
         at = response.body.find(kKey, at + 1)) {
      const std::size_t start = at + kKey.size();
      names.append(names.empty() ? "" : " ")
          .append(response.body, start, response.body.find('"', start) - start);
    }
    return names;
  }
  [[nodiscard]] bool says_more() const { return response.body.ends_with(R"(,"more":true}])"); }

  FakeClock clock;
  FakePorts ports;
  std::shared_ptr<const Site> site;
  App app;
  std::string query;
  Response response;
};

std::string refusal(std::string_view code, std::string_view what) {
  return std::string(R"({"error":")").append(what).append(R"(","code":")").append(code).append("\"}");
}
const std::string kUnavailable = refusal("azure_unavailable", "the files cannot be listed now");
const std::string kRefused = refusal("azure_refused", "the files cannot be listed now");

/// More than a page may hold: what Azure's answer is then.
FakeHttp::Outcome too_large() {
  return tl::unexpected(HttpFailure::too_large);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(session_files_tests)

BOOST_AUTO_TEST_CASE(an_answer_is_what_fine_uploader_takes) {
  Bench bench;
  bench.ports.http.answers = {page_of(
      {{"alice/0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e.txt", 1, "<qqfilename>a%20%22b%22.txt</qqfilename>"},
       {"alice/more/x.png", 2, "", "image/png"}})};
  const Event event = bench.ask();
  BOOST_TEST(
      bench.response.body ==
      R"([{"name":"x.png","uuid":"1374e832-6f8a-8818-9e8f-ed5a5c876a50","size":5,"blobName":"more/x.png"},)"
      R"({"name":"a \"b\".txt","uuid":"0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e","size":5,)"
      R"("blobName":"0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e.txt"}])");
  BOOST_TEST((bench.response.status == Status::ok));
  BOOST_TEST((bench.response.content_type == ContentType::json));
  BOOST_TEST(event.code == "ok");
  BOOST_TEST(event.rule == "own");
  BOOST_TEST(event.container == "uploads");
  BOOST_TEST(event.folder == "alice/");
  BOOST_TEST(event.listed.value_or(9) == 2U);
  BOOST_TEST(event.reason == "");
  BOOST_TEST(!event.given.has_value());
  BOOST_TEST(bench.app.further_events().empty());
}

BOOST_AUTO_TEST_CASE(nothing_there_is_an_empty_list) {
  Bench bench;
  bench.ports.http.answers = {page_of({})};
  BOOST_TEST(bench.ask().code == "ok");
  BOOST_TEST(bench.response.body == "[]");
}

BOOST_AUTO_TEST_CASE(azure_is_asked_for_the_callers_prefix_with_a_sas_that_lists_and_no_more) {
  Bench bench;
  bench.ports.http.answers = {page_of({})};
  (void)bench.ask("https://acme/uploads/a&b", "a&b");
  const HttpCall& call = bench.ports.http.calls.at(0);
  BOOST_TEST(call.method == "GET");
  BOOST_TEST(call.url.starts_with("https://acme/uploads?"));
  BOOST_TEST(bench.asked(0) == "include=metadata&maxresults=1000&restype=container&comp=list&prefix=a&b/");
  BOOST_TEST(call.url.ends_with("&prefix=a%26b%2F"));
  for (const char* field :
       {"sv=2023-11-03", "spr=https&", "se=2026-03-01T12%3A05%3A00Z", "sr=c", "sp=l&", "sig="})
    BOOST_TEST_CONTEXT(field) {
      BOOST_TEST(call.url.find(field) != std::string::npos);
    }
  BOOST_TEST(call.max_answer_bytes == std::size_t{8} << 20);
  BOOST_TEST(call.timeout.count() == 5000);
  BOOST_TEST(call.connect_timeout.count() == 1000);
  BOOST_TEST(bench.response.body.find("sig") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_what_the_policy_grants_is_shown_whatever_azure_says) {
  Bench bench;
  bench.ports.http.answers = {page_of({{"alice/a.txt"},
                                       {"alice"},
                                       {"alice/"},
                                       {"alice2/a.txt"},
                                       {"alic"},
                                       {"bob/a.txt"},
                                       {"Alice/a.txt"},
                                       {"a.txt"},
                                       {"pool/alice/a"},
                                       {"alice//a.txt"},
                                       {"alice/dir/"},
                                       {"alice/../bob/a.txt"},
                                       {"alice/%2e%2e/bob"},
                                       {"alice/b\\a.txt"},
                                       {"alice/a&#10;b"},
                                       {"alice/\xff"},
                                       {"alice/\xef\xbf\xbe"},
                                       {"alice/" + std::string(1019, 'x')},
                                       {"alice/&amp;&lt;#1?+%41"}})};
  BOOST_TEST(bench.ask().listed.value_or(9) == 2U);
  BOOST_TEST(bench.names() == "&<#1?+%41 a.txt");
}

BOOST_AUTO_TEST_CASE(names_follow_what_the_page_sends_to) {
  struct Row {
    const char* name;
    std::string container;
    std::string prefix;
    std::string names;
    bool is_uri = false;
  };
  const std::vector<Entry> entries{{"alice/a b.txt"}, {"alice/%41/c.txt"}};
  const Row rows[] = {
      {"a folder", "https://acme/uploads/alice", "alice/", "%41/c.txt a b.txt"},
      {"the container", "https://acme/uploads", "alice/", "alice/%41/c.txt alice/a b.txt"},
      {"a deeper folder", "https://acme/uploads/alice/%41", "alice/%41/", "c.txt"},
      {"the host in other case", "HTTPS://ACME/uploads/alice", "alice/", "%41/c.txt a b.txt"},
      {"encoded names", "https://acme/uploads/alice", "alice/", "%2541/c.txt a%20b.txt", true},
      {"an encoded folder", "https://acme/uploads/alice/%2541", "alice/%41/", "c.txt", true},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(site_with("", "", row.is_uri ? R"(,"blob_names":"uri")" : ""));
      bench.ports.http.answers = {page_of(entries)};
      BOOST_TEST(bench.ask(row.container).code == "ok");
      BOOST_TEST(bench.asked(0).ends_with("&prefix=" + row.prefix));
      BOOST_TEST(bench.names() == row.names);
    }
  }
}

BOOST_AUTO_TEST_CASE(pages_follow_one_another_to_the_end) {
  Bench bench;
  bench.ports.http.answers = {page_of({{"alice/a", 1}, {"alice/b", 3}}, "2!8!YWI-&amp;="),
                              page_of({}, "next"), page_of({{"alice/c", 2}})};
  BOOST_TEST(bench.ask().listed.value_or(9) == 3U);
  BOOST_TEST(bench.names() == "b c a");
  BOOST_TEST(!bench.says_more());
  BOOST_REQUIRE(bench.ports.http.calls.size() == 3U);
  BOOST_TEST(bench.asked(1) ==
             "include=metadata&maxresults=1000&marker=2!8!YWI-&=&restype=container&comp=list&prefix=alice/");
  BOOST_TEST(bench.ports.http.calls[1].url.find("&marker=2%218%21YWI-%26%3D&") != std::string::npos);
  BOOST_TEST(bench.asked(2) ==
             "include=metadata&maxresults=1000&marker=next&restype=container&comp=list&prefix=alice/");
}

BOOST_AUTO_TEST_CASE(bounds_show_that_there_is_more) {
  struct Row {
    const char* name;
    std::string session;
    std::vector<HttpAnswer> pages;
    std::string names;
    const char* reason;
    std::size_t calls;
  };
  const std::vector<Entry> three{{"alice/a", 1}, {"alice/b", 3}, {"alice/c", 2}};
  const char* const kFiles = "there are more files than session.max_files";
  const char* const kBlobs = "there are more blobs than session.max_blobs";
  const Row rows[] = {
      {"as many as may be", R"("max_files":3)", {page_of(three)}, "b c a", "", 1},
      {"one more: the newest stay", R"("max_files":2)", {page_of(three)}, "b c", kFiles, 1},
      {"the newest come last",
       R"("max_files":1)",
       {page_of(three, "m"), page_of({{"alice/d", 9}})},
       "d",
       kFiles,
       2},
      {"blobs as many as may be", R"("max_blobs":3)", {page_of(three)}, "b c a", "", 1},
      {"more blobs", R"("max_blobs":3)", {page_of(three, "m")}, "b c a", kBlobs, 1},
      {"both", R"("max_files":1,"max_blobs":3)", {page_of(three, "m")}, "b", kBlobs, 1},
      {"what is not shown counts as looked at",
       R"("max_blobs":2)",
       {page_of({{"alice/a"}, {"alice2/b"}}, "m")},
       "a",
       kBlobs,
       1},
      {"pages without an end",
       R"("max_blobs":4)",
       {page_of({{"alice/a"}}, "m"), page_of({}, "n"), page_of({}, "o"), page_of({}, "p")},
       "a",
       kBlobs,
       4},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(site_with("", row.session));
      bench.ports.http.answers.assign(row.pages.begin(), row.pages.end());
      const Event event = bench.ask();
      BOOST_TEST(event.code == "ok");
      BOOST_TEST(event.reason == row.reason);
      BOOST_TEST(bench.names() == row.names);
      BOOST_TEST(bench.says_more() == !event.reason.empty());
      BOOST_TEST(bench.ports.http.calls.size() == row.calls);
    }
  }
}

BOOST_AUTO_TEST_CASE(no_more_is_asked_for_than_may_be_looked_at) {
  Bench bench(site_with("", R"("max_blobs":3)"));
  bench.ports.http.answers = {page_of({{"alice/a"}, {"alice/b"}}, "m"), page_of({{"alice/c"}}, "n")};
  BOOST_TEST(bench.ask().code == "ok");
  BOOST_TEST(bench.asked(0).find("maxresults=3&") != std::string::npos);
  BOOST_TEST(bench.asked(1).find("maxresults=1&") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_answer_is_no_larger_than_nginx_takes_in_one_go) {
  Bench bench(site_with("", R"("max_files":1000)"));
  std::vector<Entry> entries;
  for (int i = 100; i < 1000; ++i)
    entries.push_back(
        {"alice/" + std::to_string(i), 1, "<qqfilename>" + std::string(2000, 'x') + "</qqfilename>"});
  bench.ports.http.answers = {page_of(entries)};
  const Event event = bench.ask();
  BOOST_TEST(event.reason == "the answer would be larger than 1 MiB");
  BOOST_TEST(bench.says_more());
  BOOST_TEST(bench.response.body.size() <= SessionFiles::kMaxAnswerBytes);
  BOOST_TEST(bench.response.body.size() > SessionFiles::kMaxAnswerBytes - 3000);
  BOOST_TEST(event.listed.value_or(0) > 400U);
}

BOOST_AUTO_TEST_CASE(a_page_that_is_too_large_is_asked_for_in_parts) {
  Bench bench;
  bench.ports.http.answers = {too_large(), too_large(), page_of({{"alice/a"}})};
  BOOST_TEST(bench.ask().code == "ok");
  BOOST_TEST(bench.names() == "a");
  BOOST_TEST(bench.asked(1).find("maxresults=500&") != std::string::npos);
  BOOST_TEST(bench.asked(2).find("maxresults=250&") != std::string::npos);

  Bench never;
  never.ports.http.answers = {too_large()};
  BOOST_TEST(never.ask().reason == "the endpoint's answer is too large");
  BOOST_TEST(never.ports.http.calls.size() == 4U);
  BOOST_TEST(never.response.body == kRefused);
}

BOOST_AUTO_TEST_CASE(uuids_are_unique_within_an_answer) {
  Bench bench;
  const std::string same = "<qquuid>0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e</qquuid>";
  bench.ports.http.answers = {page_of({{"alice/a", 1, same}, {"alice/b", 2, same}})};
  (void)bench.ask();
  const std::string& body = bench.response.body;
  const std::string uuid = R"("uuid":"0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e")";
  BOOST_TEST(body.find(uuid) != std::string::npos);
  BOOST_TEST(body.find(uuid) == body.rfind(uuid));
}

BOOST_AUTO_TEST_CASE(thumbnails_are_those_of_the_rule) {
  const std::vector<Entry> entries{{"alice/a.png", 2, "", "image/png"},
                                   {"alice/b.svg", 1, "", "image/svg+xml"}};
  Bench plain(site_with(R"("thumbnail":{"type":"template","url":"https://t/{container}/{blob}?{uuid}"})"));
  plain.ports.http.answers = {page_of(entries)};
  (void)plain.ask();
  const std::string& body = plain.response.body;
  BOOST_TEST(body.find(R"("thumbnailUrl":"https://t/uploads/alice/a.png?)") != std::string::npos);
  BOOST_TEST(body.find("thumbnailUrl") == body.rfind("thumbnailUrl"));
  BOOST_TEST(plain.app.further_events().empty());

  Bench sas(site_with(R"("thumbnail":{"type":"read_sas","lifetime_seconds":60})"));
  sas.ports.http.answers = {page_of(entries)};
  const Event event = sas.ask();
  BOOST_TEST(sas.response.body.find(R"("thumbnailUrl":"https://acme/uploads/alice/a.png?sv=)") !=
             std::string::npos);
  BOOST_TEST(sas.response.body.find("&sr=b&sp=r&") != std::string::npos);
  BOOST_TEST(!event.given.has_value());
  const auto given = sas.app.further_events();
  BOOST_REQUIRE(given.size() == 1U);
  BOOST_TEST(given[0].blob == "alice/a.png");
  BOOST_TEST(given[0].endpoint == "session");
  BOOST_TEST(given[0].user == "alice");
  BOOST_REQUIRE(given[0].given.has_value());
  BOOST_TEST(given[0].given->permissions == "r");
  BOOST_TEST(given[0].given->signature_sha256.size() == 64U);
  sas.ports.http.answers = {http_answer(403)};
  (void)sas.ask();
  BOOST_TEST(sas.app.further_events().empty());
}

BOOST_AUTO_TEST_CASE(each_sas_has_a_hash_of_its_own) {
  Bench bench(site_with(R"("thumbnail":{"type":"read_sas"})"));
  bench.ports.http.answers = {
      page_of({{"alice/a.png", 2, "", "image/png"}, {"alice/b.png", 1, "", "image/png"}})};
  (void)bench.ask();
  const auto given = bench.app.further_events();
  BOOST_REQUIRE(given.size() == 2U);
  BOOST_TEST(given[0].given->signature_sha256 != given[1].given->signature_sha256);
}

BOOST_AUTO_TEST_CASE(refusals_are_those_of_the_table) {
  struct Row {
    const char* name;
    std::string container;
    std::string_view user;
    std::string code;
  };
  const std::string own = "https://acme/uploads/alice";
  const Row rows[] = {
      {"another's folder", "https://acme/uploads/bob", "alice", "not_allowed"},
      {"a container without list", "https://acme/drop", "alice", "not_allowed"},
      {"what another rule grants without listing it", "https://acme/uploads/pool", "alice", "not_allowed"},
      {"no container", "https://acme", "alice", "not_allowed"},
      {"an illegal container", "https://acme/UP", "alice", "not_allowed"},
      {"another host", "https://evil/uploads/alice", "alice", "unknown_endpoint"},
      {"a host behind ours", "https://acme.evil/uploads/alice", "alice", "unknown_endpoint"},
      {"user info", "https://acme@evil/uploads/alice", "alice", "unknown_endpoint"},
      {"another scheme", "http://acme/uploads/alice", "alice", "unknown_endpoint"},
      {"nothing", "", "alice", "unknown_endpoint"},
      {"a slash at the end", own + "/", "alice", "bad_blob_name"},
      {"dots", own + "/../bob", "alice", "bad_blob_name"},
      {"encoded dots", own + "/%2e%2e/bob", "alice", "bad_blob_name"},
      {"a backslash", own + "\\bob", "alice", "bad_blob_name"},
      {"a control character", own + "\n", "alice", "bad_blob_name"},
      {"no UTF-8", own + "\xff", "alice", "bad_encoding"},
      {"too long", own + "/" + std::string(1024, 'x'), "alice", "bad_blob_name"},
      {"nobody", own, "", "login_required"},
      {"a user that is no segment", own, "alice/..", "not_allowed"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      BOOST_TEST(bench.ask(row.container, row.user).code == row.code);
      BOOST_TEST(bench.ports.http.calls.empty());
      BOOST_TEST(!bench.response.retry_after.has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(only_get_and_only_with_a_network) {
  Bench bench;
  for (const char* method : {"POST", "PUT", "HEAD", "DELETE", "get", ""}) {
    Request request;
    request.endpoint = "session";
    request.method = method;
    request.query = "container=https://acme/uploads/alice";
    request.user = "alice";
    BOOST_TEST(bench.app.handle(request, bench.response).code == "method_not_allowed");
    BOOST_TEST(bench.response.allow == "GET");
  }
  App signer(bench.site, bench.clock);
  Request request;
  request.endpoint = "session";
  request.method = "GET";
  request.query = "container=https://acme/uploads/alice";
  request.user = "alice";
  BOOST_TEST(App::may_wait(*bench.site, request));
  const Event event = signer.handle(request, bench.response);
  BOOST_TEST(event.code == "misconfigured");
  BOOST_TEST(event.reason == "this worker was started with --signatures-only");
  request.repeated_identity = true;
  BOOST_TEST(bench.app.handle(request, bench.response).code == "misconfigured");
}

BOOST_AUTO_TEST_CASE(who_does_not_answer_is_unavailable_or_refuses) {
  struct Row {
    const char* name;
    FakeHttp::Outcome outcome;
    std::string body;
    const char* reason;
    int retry_after = 1;
  };
  const Row rows[] = {
      {"gone", tl::unexpected(HttpFailure::unreachable), kUnavailable, "Azure cannot be reached"},
      {"silent", tl::unexpected(HttpFailure::timed_out), kUnavailable, "Azure did not answer in time"},
      {"untrusted", tl::unexpected(HttpFailure::untrusted), kRefused,
       "the certificate of the account's endpoint is not trusted"},
      {"no HTTP", tl::unexpected(HttpFailure::malformed), kRefused, "the endpoint does not speak HTTP"},
      {"failed", http_answer(500), kUnavailable, "Azure has failed"},
      {"throttling", http_answer(503, {{"retry-after", "7"}}), kUnavailable, "Azure is throttling us", 7},
      {"a year", http_answer(503, {{"retry-after", "31536000"}}), kUnavailable, "Azure is throttling us", 60},
      {"refused", http_answer(403, {{"x-ms-error-code", "AuthorizationPermissionMismatch"}}), kRefused,
       "AuthorizationPermissionMismatch"},
      {"no container", http_answer(404, {{"x-ms-error-code", "ContainerNotFound"}}), kRefused,
       "ContainerNotFound"},
      {"an unknown code", http_answer(400, {{"x-ms-error-code", "sig=x"}}), kRefused,
       "Azure refused our request"},
      {"a redirect", http_answer(302), kRefused, "Azure refused our request"},
      {"another page", http_answer(200, {}, "<html/>"), kRefused,
       "the endpoint's answer is not that of a storage account"},
      {"the same page for ever", page_of({}, "m"), kRefused,
       "the endpoint's answer is not that of a storage account"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.ports.http.answers = {row.outcome};
      const auto begin = bench.ports.timer.time;
      BOOST_TEST(bench.ask().reason == row.reason);
      BOOST_TEST(bench.response.body == row.body);
      BOOST_TEST((bench.response.status == Status::service_unavailable));
      BOOST_TEST((bench.response.retry_after == std::chrono::seconds(row.retry_after)));
      BOOST_TEST((bench.ports.timer.time - begin <= 5s));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_failure_on_a_later_page_is_one_of_all) {
  Bench bench;
  bench.ports.http.answers = {page_of({{"alice/a"}}, "m"), http_answer(403)};
  BOOST_TEST(bench.ask().code == "azure_refused");
  BOOST_TEST(bench.response.body == kRefused);
}

BOOST_AUTO_TEST_CASE(a_transient_failure_is_tried_again) {
  Bench bench;
  bench.ports.http.answers = {http_answer(500), page_of({{"alice/a"}})};
  BOOST_TEST(bench.ask().code == "ok");
  BOOST_TEST(bench.names() == "a");
}

BOOST_AUTO_TEST_SUITE_END()
