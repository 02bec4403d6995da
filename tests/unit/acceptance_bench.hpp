#pragma once
#include <rapidjson/document.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/app.hpp"
#include "tests/unit/support.hpp"

namespace blobvalet::testing::acceptance_bench {

using Headers = std::vector<std::pair<std::string, std::string>>;
using Outcome = FakeHttp::Outcome;

inline const std::string kBlob = "https://acme.blob.core.windows.net/uploads/bob/a b.png";
inline const std::string kBlobUrl = "https://acme.blob.core.windows.net/uploads/bob/a%20b.png";
inline const std::string kHook = "https://app.example.com/uploads";
inline constexpr const char* kUuid = "f9a922bd-3007-4393-a76e-925fc009639c";

/// A site of one rule; members for its `success` and for the rule.
inline std::string site_with(const std::string& success, const std::string& rule = "") {
  return R"({"accounts": [{"name": "acme", "endpoint": "https://acme.blob.core.windows.net",
               "credential": {"type": "shared_key", "key_file": "k"}}],
    "rules": [{"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"],
               "methods": ["PUT", "DELETE"])" +
         (rule.empty() ? "" : ", " + rule) + R"(}],
    "success": {)" +
         success + "}}";
}
inline std::string verifying(const std::string& members) {
  return site_with(R"("verify": {)" + members + "}");
}
inline std::string hooked(const std::string& members = "", const std::string& verify = "") {
  return site_with(R"("verify": {)" + verify + R"(}, "hook": {"url": ")" + kHook +
                   R"(", "secret_file": "s")" + (members.empty() ? "" : ", " + members) + "}");
}

inline Outcome failure(HttpFailure reason) {
  return tl::unexpected(reason);
}

/// ` If-Match: ...` of a request, or nothing.
inline std::string if_match_of(const HttpCall& call) {
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
    Request request = signature_request(query);
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

inline std::string refused(int status, std::string_view error, std::string_view code, std::string_view more) {
  std::string text = std::to_string(status) + R"( {"error":")";
  return text.append(error)
      .append(R"(","code":")")
      .append(code)
      .append(R"(","success":false)")
      .append(more)
      .append("}");
}
inline constexpr std::string_view kPrevent = R"(,"preventRetry":true)";
inline constexpr std::string_view kReset = R"(,"reset":true)";
inline constexpr const char* kVerified = R"(200 {"success":true,"error":null,"verified":true})";

inline std::string query_for(std::string_view verb) {
  return "bloburi=" + escaped(kBlob) + "&_method=" + std::string(verb) + "&qqtimestamp=1";
}

/// The parameters of a SAS, decoded; nothing for a name that it does not have.
inline std::string parameter(const std::string& url, const std::string& name) {
  const std::size_t begin = url.find_first_of("?&", url.find('?'));
  const std::size_t found = url.find("&" + name + "=", begin);
  const std::size_t first = url.find("?" + name + "=", 0);
  const std::size_t place = first != std::string::npos ? first : found;
  if (place == std::string::npos) return "nothing";
  const std::size_t value = place + name.size() + 2;
  return unescaped(url.substr(value, url.find('&', value) - value));
}

/// The `thumbnailUrl` of the answer; empty: none.
inline std::string thumbnail_of(const Bench& bench) {
  rapidjson::Document document;
  document.Parse(bench.response.body.c_str());
  BOOST_REQUIRE(document.IsObject());
  return document.HasMember("thumbnailUrl") ? document["thumbnailUrl"].GetString() : "";
}

}  // namespace blobvalet::testing::acceptance_bench
