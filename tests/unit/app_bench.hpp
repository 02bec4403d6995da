#pragma once
#include <string>
#include <string_view>

#include "core/app.hpp"
#include "tests/unit/support.hpp"

namespace blobvalet::testing::app_bench {

inline constexpr std::string_view kSite = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://acme.blob.core.windows.net",
     "aliases": ["https://files.example.com/cdn"],
     "credential": {"type": "shared_key", "key_file": "k"}},
    {"name": "devstoreaccount1", "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
     "credential": {"type": "shared_key", "key_file": "k"}}
  ],
  "rules": [
    {"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"],
     "methods": ["PUT", "DELETE"]},
    {"name": "team-only", "account": "acme", "container": "secrets", "blobs": ["{team}/**"],
     "methods": ["PUT"]},
    {"name": "tenant", "account": "acme", "container": "shared", "blobs": ["{tenant}/{user}/**"],
     "methods": ["PUT"]},
    {"name": "drop", "account": "acme", "container": "public-drop", "blobs": ["**"], "methods": ["PUT"],
     "anonymous": true},
    {"name": "emulator", "account": "devstoreaccount1", "container": "uploads", "blobs": ["**"],
     "methods": ["PUT"],
     "sas": {"protocol": "https,http"}}
  ],
  "success": {"max_fields": 8, "max_depth": 2, "verify": {"enabled": false}}
})";

inline const std::string kAcme = "https://acme.blob.core.windows.net/";
inline const std::string kUuid = "f9a922bd-3007-4393-a76e-925fc009639c";
inline constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=UTF-8";
inline constexpr std::string_view kAccepted = R"(200 json {"success":true,"error":null})";

/// The site with one thing about it changed.
inline std::string site_with(std::string_view from, std::string_view to) {
  std::string json(kSite);
  const std::size_t at = json.find(from);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, "the site does not hold: " << from);
  return json.replace(at, from.size(), to);
}

/// One App with its fakes, and the last answer.
struct Bench {
  explicit Bench(std::string_view json = kSite, bool with_ports = true)
      : app(site_from(json), clock, with_ports ? &world.ports : nullptr) {}

  /// `<status> <type>[ Allow=<methods>][ Retry-After=<seconds>] <body>`
  std::string answer(const Request& request) {
    event = app.handle(request, response);
    return shown();
  }
  [[nodiscard]] std::string shown() const {
    std::string text = std::to_string(static_cast<unsigned>(response.status));
    text.append(response.content_type == ContentType::json ? " json" : " text");
    if (!response.allow.empty()) text.append(" Allow=").append(response.allow);
    if (response.retry_after)
      text.append(" Retry-After=").append(std::to_string(response.retry_after->count()));
    return text.append(" ").append(response.body);
  }
  /// All that the log may say.
  [[nodiscard]] std::string logged() const {
    std::string text;
    for (const std::string_view part :
         {event.endpoint, event.request_id, event.user, event.verb, event.account, event.container,
          event.blob, event.rule, event.code, event.reason}) {
      text.append(part).append("|");
    }
    return text.append(std::to_string(static_cast<unsigned>(event.status)));
  }

  FakeClock clock;
  FakePorts world;
  App app;
  Response response;
  Event event;
};

inline Request get(std::string_view query, std::string_view user = "bob") {
  Request request = signature_request(query, user);
  request.request_id = "id-1";
  return request;
}

inline Request post(std::string_view body, std::string_view user = "bob") {
  Request request = get("", user);
  request.endpoint = "success";
  request.method = "POST";
  request.content_type = kFormType;
  request.body = body;
  return request;
}

inline std::string query_for(std::string_view blob_uri, std::string_view verb = "PUT") {
  return "bloburi=" + escaped(blob_uri) + "&_method=" + std::string(verb) + "&qqtimestamp=1772366400000";
}

inline std::string form_for(std::string_view container, std::string_view blob) {
  return "blob=" + escaped(blob) + "&uuid=" + kUuid + "&name=a.txt&container=" + escaped(container);
}

/// A refusal's JSON as the endpoint writes it.
inline std::string refusal_of_signature(std::string_view error, std::string_view code) {
  return std::string(R"({"error":")").append(error).append(R"(","code":")").append(code).append("\"}");
}
inline std::string refusal_of_success(std::string_view error, std::string_view code,
                                      bool prevent_retry = true) {
  std::string body = refusal_of_signature(error, code);
  body.pop_back();
  return body.append(prevent_retry ? R"(,"success":false,"preventRetry":true})" : R"(,"success":false})");
}

inline constexpr const char* kUnknownEndpoint =
    "bloburi: is not at an endpoint of this site; check request.endpoint, and that no form's action took its "
    "place";
inline constexpr const char* kEmptySegment =
    "blob name: has an empty segment; check that request.endpoint does not end with a slash";

}  // namespace blobvalet::testing::app_bench
