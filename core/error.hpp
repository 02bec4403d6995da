#pragma once
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
  blob_not_found,
  method_not_allowed,
  body_too_large,
  too_many_fields,
  unsupported_media_type,
  busy,
  azure_unavailable,
  internal_error,
  misconfigured,
};

/// How one Errc is answered; README's error table is this one.
struct ErrorRow {
  Errc errc;
  StaticText code;     ///< stable identifier in the JSON answer and in the log
  Status status;       ///< HTTP status
  bool prevent_retry;  ///< the callback answers `preventRetry: true`: the same request can never succeed
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
};

}  // namespace blobvalet
