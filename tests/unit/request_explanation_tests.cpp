#include <boost/test/unit_test.hpp>
#include <string>

#include "core/request_explanation.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [
    { "name": "acmeuploads", "endpoint": "https://acmeuploads.blob.core.windows.net", "aliases": ["https://cdn.acme.example"],
      "credential": { "type": "shared_key", "key_file": "k" } },
    { "name": "devstoreaccount1", "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
      "credential": { "type": "shared_key", "key_file": "k" } } ],
  "sas": { "protocol": "https,http" },
  "blob_names": "raw",
  "rules": [
    { "name": "tenants", "account": "acmeuploads", "container": "uploads", "blobs": ["{tenant}/{user}/**"], "methods": ["PUT"] },
    { "name": "own", "account": "acmeuploads", "container": "uploads", "blobs": ["{user}/**", "shared/*.txt"],
      "methods": ["PUT", "DELETE"] },
    { "name": "drop", "account": "acmeuploads", "container": "public-drop", "blobs": ["**"], "methods": ["PUT"],
      "anonymous": true } ] })";

SiteRules rules_of(std::string_view json = kSite) {
  return SiteRules(config_from(json));
}

std::string uri_mode() {
  std::string json(kSite);
  return json.replace(json.find("\"raw\""), 5, "\"uri\"");
}

/// Faults, then `~` warnings, each with its field; then what each rule says.
std::string show(const RequestExplanation& explanation) {
  std::string text;
  for (const Finding& finding : explanation.findings) {
    if (finding.level == Finding::Level::note) continue;
    text.append(finding.level == Finding::Level::warning ? "~" : "").append(finding.field).append(": ");
    text.append(finding.what).append("\n");
  }
  for (const RuleRemark& rule : explanation.rules) {
    text.append(rule.decides ? "! " : "  ").append(rule.verb).append(" ").append(rule.rule).append(" [");
    text.append(rule.patterns).append("] ").append(rule.objection).append("\n");
  }
  return text;
}

std::string explain(std::string_view uri, std::string_view user = "bob", std::vector<NamedValue> vars = {},
                    std::vector<BlobVerb> verbs = {BlobVerb::put}, const SiteRules& rules = rules_of()) {
  return show(explain_request({uri, {user, "203.0.113.7", vars}, std::move(verbs)}, &rules));
}

const std::string kBase = "https://acmeuploads.blob.core.windows.net/";

}  // namespace

BOOST_AUTO_TEST_SUITE(request_explanation_tests)

BOOST_AUTO_TEST_CASE(each_rule_says_why_or_why_not) {
  BOOST_TEST(explain(kBase + "uploads/bob/a.txt") ==
             "  PUT tenants [{tenant}/bob/**] no pattern matches the name\n"
             "! PUT own [bob/**, shared/*.txt] \n");
  BOOST_TEST(explain(kBase + "uploads/t1/bob/a", "bob", {{"tenant", "t1"}}) ==
             "! PUT tenants [t1/bob/**] \n"
             "  PUT own [bob/**, shared/*.txt] no pattern matches the name\n");
  BOOST_TEST(explain(kBase + "uploads/amy/a", "bob", {}, {BlobVerb::put, BlobVerb::del}) ==
             "rules: PUT is allowed by no rule for this container\n"
             "rules: DELETE is allowed by no rule for this container\n"
             "  PUT tenants [{tenant}/bob/**] no pattern matches the name\n"
             "  PUT own [bob/**, shared/*.txt] no pattern matches the name\n"
             "  DELETE tenants [{tenant}/bob/**] no rule for this verb\n"
             "  DELETE own [bob/**, shared/*.txt] no pattern matches the name\n");
  BOOST_TEST(explain(kBase + "uploads/bob/a", "") ==
             "rules: PUT is allowed by no rule for this container\n"
             "  PUT tenants [{tenant}/{user}/**] the rule needs a user\n"
             "  PUT own [{user}/**, shared/*.txt] the rule needs a user\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_blob_of_ours) {
  const struct {
    const char* name;
    std::string uri;
    std::string told;
  } rows[] = {
      {"a typing error in the host", "https://acmeupload.blob.core.windows.net/uploads/bob/a",
       "~bloburi: its host \"acmeupload.blob.core.windows.net\" differs a little from "
       "\"acmeuploads.blob.core.windows.net\" of account acmeuploads\n"
       "bloburi: is at none of the endpoints https://acmeuploads.blob.core.windows.net, "
       "https://cdn.acme.example, "
       "http://127.0.0.1:10000/devstoreaccount1; another name of an account goes into accounts[].aliases\n"},
      {"another host", "https://other.example/uploads/bob/a",
       "bloburi: is at none of the endpoints https://acmeuploads.blob.core.windows.net, "
       "https://cdn.acme.example, "
       "http://127.0.0.1:10000/devstoreaccount1; another name of an account goes into accounts[].aliases\n"},
      {"http", "http://acmeuploads.blob.core.windows.net/uploads/bob/a",
       "bloburi: has another scheme than the endpoint of account acmeuploads, "
       "https://acmeuploads.blob.core.windows.net\n"},
      {"path style without the account", "http://127.0.0.1:10000/uploads/bob/a",
       "bloburi: is on the host of account devstoreaccount1, whose endpoint goes on with "
       "\"/devstoreaccount1/\"\n"},
      {"no URL", "uploads/bob/a", "bloburi: is no URL: request.endpoint must begin with https://\n"},
      {"no container's name", kBase + "Uploads/bob/a",
       "bloburi: holds no legal container name behind the endpoint\n"},
      {"no rule", kBase + "archive/bob/a",
       "container: no rule is for archive of acmeuploads; there are rules for uploads, public-drop\n"},
      {"no name", kBase + "uploads/", "blob name: is empty\n"},
      {"dots", kBase + "uploads/bob/../a", "blob name: has a segment . or .. which URLs cannot carry\n"},
      {"a backslash", kBase + "uploads/bob\\a", "blob name: has a backslash; use / between folders\n"},
      {"no UTF-8", kBase + "uploads/bob/\xff", "blob name: is not valid UTF-8\n"},
  };
  for (const auto& row : rows)
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(explain(row.uri) == row.told);
    }
}

BOOST_AUTO_TEST_CASE(odd_names) {
  const auto warnings = [](const std::string& uri, const SiteRules& rules) {
    const std::string all = explain(uri, "bob", {}, {BlobVerb::put}, rules);
    return all.substr(0, all.find("\n") + 1);
  };
  const SiteRules raw = rules_of();
  const SiteRules uri = rules_of(uri_mode());
  BOOST_TEST(
      warnings(kBase + "public-drop/a%20b", raw) ==
      "~blob: has \"a%20b\" for its very name, since blob_names is raw; a page that encodes names needs "
      "blob_names uri\n");
  BOOST_TEST(warnings(kBase + "public-drop/a%2520b", uri) ==
             "~blob: is \"a%20b\" once it is decoded, which still holds an escape: has the page encoded it "
             "twice?\n");
  BOOST_TEST(warnings(kBase + "public-drop//a", raw) ==
             "~blob: has an empty segment: does request.endpoint end with a slash?\n");
  BOOST_TEST(warnings(kBase + "public-drop/a%20b", uri) == "! PUT drop [**] \n");
  BOOST_TEST(warnings(kBase + "public-drop/a?b", uri) == "bloburi: has a query or a fragment\n");
  BOOST_TEST(warnings(kBase + "public-drop/%4", uri) == "bloburi: has a malformed percent escape\n");
}

BOOST_AUTO_TEST_CASE(an_alias_is_called_one) {
  const SiteRules rules = rules_of();
  const auto explanation =
      explain_request({"https://cdn.acme.example/public-drop/a", {"", "", {}}, {BlobVerb::put}}, &rules);
  BOOST_REQUIRE(explanation.parts.size() == 5U);
  BOOST_TEST(explanation.parts[2].second == "an alias of https://acmeuploads.blob.core.windows.net");
}

BOOST_AUTO_TEST_CASE(lines_of_the_log) {
  const SiteRules rules = rules_of();
  const auto line = [](std::string_view code, std::string_view blob = "amy/a") {
    LoggedRequest logged;
    logged.endpoint = "signature";
    logged.user = "bob";
    logged.verb = "PUT";
    logged.account = "acmeuploads";
    logged.container = "uploads";
    logged.blob = blob;
    logged.code = code;
    return logged;
  };
  BOOST_TEST(show(explain_logged(line("not_allowed"), &rules)) ==
             "not_allowed: the client was told \"bloburi: is not allowed\"; look at: the rules: see the "
             "log's reason, and "
             "what each says of it now\n"
             "rules: PUT is allowed by no rule for this container\n"
             "  PUT tenants [{tenant}/bob/**] no pattern matches the name\n"
             "  PUT own [bob/**, shared/*.txt] no pattern matches the name\n");
  const auto cured = explain_logged(line("not_allowed", "bob/a"), &rules);
  BOOST_TEST(cured.findings.back().what == "the rules of now allow what was refused then");
  BOOST_TEST(show(explain_logged(line("something_new", "bob/a"), nullptr)) ==
             "something_new: a code that this version does not know\n");
  BOOST_TEST(!explain_logged(line("ok", "bob/a"), nullptr).has_fault());

  LoggedRequest elsewhere = line("unknown_endpoint", "");
  elsewhere.account = elsewhere.container = {};
  elsewhere.blob_uri = "http://acmeuploads.blob.core.windows.net/uploads/bob/a";
  BOOST_TEST(
      show(explain_logged(elsewhere, &rules)) ==
      "unknown_endpoint: the client was told \"bloburi: is not at an endpoint of this site\"; look at: "
      "request.endpoint, accounts[].endpoint and aliases, a form's action\n"
      "bloburi: has another scheme than the endpoint of account acmeuploads, "
      "https://acmeuploads.blob.core.windows.net\n");
  LoggedRequest gone = line("not_allowed");
  gone.account = "gone";
  BOOST_TEST(show(explain_logged(gone, &rules)).ends_with("account: is not configured (any more)\n"));
}

BOOST_AUTO_TEST_CASE(what_the_deciding_rule_says_of_the_file) {
  std::string json(kSite);
  const std::string_view methods = R"("methods": ["PUT", "DELETE"])";
  json.replace(json.find(methods), methods.size(),
               std::string(methods) +
                   R"(, "verify": {"max_bytes": 1000, "content_types": ["image/*"], "extensions": ["png"]})");
  const SiteRules rules = rules_of(json);
  const std::string allowed =
      "  PUT tenants [{tenant}/bob/**] no pattern matches the name\n"
      "! PUT own [bob/**, shared/*.txt] \n";
  const struct {
    const char* name;
    std::string blob;
    UploadHints hints;
    std::string told;
  } rows[] = {
      {"nothing said", "bob/a.png", {}, allowed},
      {"it fits", "bob/a.png", {1000, "image/png", 3}, allowed},
      {"too large",
       "bob/a.png",
       {1001, "image/png", {}},
       "blob: is too large, says verify of rule own\n" + allowed},
      {"of another type",
       "bob/a.png",
       {1, "text/html", {}},
       "blob: is of a type that is not allowed, says verify of rule own\n" + allowed},
      {"another extension",
       "bob/a.exe",
       {},
       "blob: has a file name extension that is not allowed, says verify of rule own\n" + allowed},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const std::string uri = kBase + "uploads/" + row.blob;
      const AskedRequest asked{uri, {"bob", "203.0.113.7", {}}, {BlobVerb::put}, row.hints};
      BOOST_TEST(show(explain_request(asked, &rules)) == row.told);
    }
  }
  const std::string uri = kBase + "uploads/bob/a.exe";
  BOOST_TEST(!explain_request({uri, {"bob", "203.0.113.7", {}}, {BlobVerb::del}, {}}, &rules).has_fault());

  LoggedRequest line;
  line.endpoint = "signature";
  line.user = "bob";
  line.verb = "PUT";
  line.account = "acmeuploads";
  line.container = "uploads";
  line.blob = "bob/a.png";
  line.rule = "own";
  line.code = "blob_too_large";
  line.file_size = 1001;
  BOOST_TEST(show(explain_logged(line, &rules)) ==
             "blob_too_large: the client was told \"blob: is too large\"; look at: verify.max_bytes, and "
             "validation on "
             "the page\n"
             "blob: is too large, says verify of rule own\n" +
                 allowed);
}

// Every code that error.cpp can answer with has a row.
BOOST_AUTO_TEST_CASE(every_code_is_known) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(Errc::misconfigured); ++i) {
    LoggedRequest line;
    line.endpoint = "success";
    line.code = error_row(static_cast<Errc>(i)).code.view();
    BOOST_TEST_CONTEXT(line.code) {
      BOOST_TEST(show(explain_logged(line, nullptr)).find("the client was told") != std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(complaints) {
  const struct {
    const char* name;
    const char* text;
    const char* field;
  } rows[] = {
      {"Chrome",
       "Access to XMLHttpRequest at 'https://a' from origin 'https://b' has been blocked by CORS policy: x",
       "cors"},
      {"Firefox", "Cross-Origin Request Blocked: The Same Origin Policy disallows", "cors"},
      {"fetch", "TypeError: Failed to fetch", "cors"},
      {"XMLHttpRequest", "Network Error", "cors"},
      {"no status", "responseCode: undefined, status 0", "cors"},
      {"Fine Uploader", "Problem communicating with local server", "signature"},
      {"nginx", "connect() to unix:/run/blobvalet/signature.sock failed (2: No such file or directory)",
       "nginx"},
      {"nginx, slow", "upstream timed out (110: Connection timed out)", "nginx"},
      {"nginx, large", "client intended to send too large body: 70000 bytes", "nginx"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto explanation = explain_complaint(row.text);
      BOOST_REQUIRE(explanation.has_value());
      BOOST_TEST(explanation->findings.at(0).field == row.field);
    }
  }
  for (const char* text : {"", "it does not work", "https://a.example/b", "403"})
    BOOST_TEST(!explain_complaint(text).has_value());
}

BOOST_AUTO_TEST_CASE(lines_of_nginx) {
  const auto found = NginxRequest::find(
      R"(203.0.113.7 - alice [26/Nov/2026:02:00:00 +0000] "GET /blobvalet/signature?bloburi=https%3A%2F%2Fa%2Fb%20c&)"
      R"(_method=DELETE&qqtimestamp=1 HTTP/1.1" 403 60 "-" "x")");
  BOOST_REQUIRE(found.has_value());
  BOOST_TEST(found->blob_uri == "https://a/b c");
  BOOST_TEST((found->verb == BlobVerb::del));
  BOOST_TEST(found->user == "alice");
  BOOST_TEST(found->status == "403");
  const auto nobody = NginxRequest::find(R"(1.2.3.4 - - [x] "GET /s?_method=PUT&bloburi=x HTTP/1.1" 200 1)");
  BOOST_TEST(nobody.value().user == "");
  BOOST_TEST(!nobody.value().file_size.has_value());
  const auto hinting = NginxRequest::find(
      R"(1.2.3.4 - - [x] "GET /s?qqsize=5&qqtype=image%2Fpng&qqpart=0&bloburi=x&_method=PUT HTTP/1.1" 200 1)");
  BOOST_TEST(hinting.value().file_size.value() == 5U);
  BOOST_TEST(hinting.value().file_type == "image/png");
  BOOST_TEST(!NginxRequest::find("GET /index.html").has_value());
  BOOST_TEST(!NginxRequest::find("bloburi=x").has_value());
  BOOST_TEST(!NginxRequest::find("GET /s?bloburi=%4").has_value());
}

BOOST_AUTO_TEST_CASE(without_rules_the_name_is_looked_at) {
  const std::pair<std::string_view, std::string_view> kRows[] = {
      {"https://acme.example/uploads/a.txt", ""},
      {"https://acme.example", ""},
      {"https://acme.example/", ""},
      {"https://acme.example/uploads//a.txt",
       "~blob: has an empty segment: does request.endpoint end with a slash?\n"},
      {"https://acme.example/uploads/a.txt?sp=cw&sig=A",
       "~blob: holds a SAS: the page took a signed URL for a name\n"},
      {"", ""},
  };
  for (const auto& [uri, expected] : kRows)
    BOOST_TEST(show(explain_request({uri, {"bob", "203.0.113.7", {}}, {BlobVerb::put}}, nullptr)) == expected,
               uri);
}

BOOST_AUTO_TEST_SUITE_END()
