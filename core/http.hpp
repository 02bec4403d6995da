#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blobvalet {

/// HTTP status codes that we answer with (RFC 9110).
enum class Status : std::uint16_t {
  ok = 200,
  bad_request = 400,
  forbidden = 403,
  method_not_allowed = 405,
  content_too_large = 413,
  unsupported_media_type = 415,
  unprocessable_content = 422,
  too_many_requests = 429,
  internal_server_error = 500,
  service_unavailable = 503,
};

struct NamedValue {
  std::string_view name;
  std::string_view value;
};

/// What nginx says of one request, as views into memory that the caller keeps alive during App::handle().
/// Identity stands only in parameters that nginx sets, never in an `HTTP_*` parameter.
struct Request {
  std::string_view endpoint;      ///< BLOBVALET_ENDPOINT
  std::string_view method;        ///< REQUEST_METHOD
  std::string_view query;         ///< QUERY_STRING, still encoded
  std::string_view content_type;  ///< CONTENT_TYPE
  std::string_view user;          ///< BLOBVALET_USER; empty: nobody
  std::string_view origin;        ///< BLOBVALET_ORIGIN: listed origin, `-` for an unlisted one, or empty
  std::string_view remote_addr;   ///< REMOTE_ADDR
  std::string_view request_id;    ///< REQUEST_ID, for the log
  std::vector<NamedValue> vars;   ///< BLOBVALET_VAR_<NAME>, names in lower case
  /// HTTP_<NAME>, names in lower case with dashes: what the site's nginx passes on for the hook, and nothing
  /// else.
  std::vector<NamedValue> headers;
  bool repeated_identity = false;  ///< a BLOBVALET_* parameter came twice
  bool body_too_large = false;     ///< the body passes the limit and was not read
  bool body_cut_short = false;     ///< fewer bytes came than CONTENT_LENGTH said
  std::string_view body;
};

enum class ContentType : std::uint8_t {
  text,
  json,
  metrics,  ///< Prometheus' text format 0.0.4
};

/// The answer. Its body is reused from one request to the next, so that answering allocates nothing.
struct Response {
  Status status = Status::ok;
  ContentType content_type = ContentType::json;
  std::string_view allow;                                ///< value of `Allow`; empty: no header
  std::optional<std::chrono::seconds> retry_after = {};  ///< value of `Retry-After`
  std::string body;
};

}  // namespace blobvalet
