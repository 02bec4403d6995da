#pragma once
#include <chrono>
#include <cstdint>

#include "core/http.hpp"
#include "core/static_text.hpp"

namespace blobvalet {

/// Every way in which a request can fail. The order is that of the table in error.cpp.
enum class Errc : std::uint8_t {
  bad_request,
  missing_parameter,
  duplicate_parameter,
  bad_encoding,
  bad_method,
  bad_uuid,
  unknown_endpoint,
  not_allowed,
  bad_blob_name,
  origin_not_allowed,
  login_required,
  hook_refused,
  method_not_allowed,
  body_too_large,
  too_many_fields,
  unsupported_media_type,
  blob_not_found,
  blob_type_not_allowed,
  copy_incomplete,
  blob_too_small,
  blob_too_large,
  size_mismatch,
  md5_mismatch,
  content_type_not_allowed,
  extension_not_allowed,
  filename_missing,
  content_mismatch,
  rate_limited,
  busy,
  azure_unavailable,
  azure_refused,
  hook_unavailable,
  event_store_unavailable,
  key_unavailable,
  limits_unavailable,
  internal_error,
  misconfigured,
};

/// What helps after a refusal; Fine Uploader is told so in the answer to a callback.
enum class Retry : std::uint8_t {
  never,     ///< `preventRetry: true`: the same request can never succeed
  callback,  ///< nothing is said, and the client repeats the callback
  upload,    ///< `reset: true`: the client uploads the file once more
};

/// How one Errc is answered; README's error table is this one.
struct ErrorRow {
  Errc errc;
  StaticText code;  ///< stable identifier in the JSON answer and in the log
  Status status;    ///< HTTP status
  Retry retry;      ///< what the callback's answer says
};

/// The row of the one table from errors to answers.
[[nodiscard]] const ErrorRow& error_row(Errc errc);

/// A refusal. `field: what` is shown to the client; `log_reason` goes to the log only, so that what a
/// stranger reads never tells which containers or users exist.
struct Error {
  Errc errc;
  StaticText field;
  StaticText what;
  StaticText log_reason = "";
  std::chrono::seconds retry_after{1};  ///< `Retry-After`, where the status is 429 or 503
};

}  // namespace blobvalet
