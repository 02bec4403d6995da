#include "core/error.hpp"

#include <array>

namespace blobvalet {
namespace {

constexpr std::array kTable{
    ErrorRow{Errc::bad_request, "bad_request", Status::bad_request, Retry::never},
    ErrorRow{Errc::missing_parameter, "missing_parameter", Status::bad_request, Retry::never},
    ErrorRow{Errc::duplicate_parameter, "duplicate_parameter", Status::bad_request, Retry::never},
    ErrorRow{Errc::bad_encoding, "bad_encoding", Status::bad_request, Retry::never},
    ErrorRow{Errc::bad_method, "bad_method", Status::bad_request, Retry::never},
    ErrorRow{Errc::bad_uuid, "bad_uuid", Status::bad_request, Retry::never},
    ErrorRow{Errc::unknown_endpoint, "unknown_endpoint", Status::forbidden, Retry::never},
    ErrorRow{Errc::not_allowed, "not_allowed", Status::forbidden, Retry::never},
    ErrorRow{Errc::bad_blob_name, "bad_blob_name", Status::forbidden, Retry::never},
    ErrorRow{Errc::origin_not_allowed, "origin_not_allowed", Status::forbidden, Retry::never},
    ErrorRow{Errc::login_required, "login_required", Status::forbidden, Retry::never},
    ErrorRow{Errc::hook_refused, "hook_refused", Status::forbidden, Retry::never},
    ErrorRow{Errc::method_not_allowed, "method_not_allowed", Status::method_not_allowed, Retry::never},
    ErrorRow{Errc::body_too_large, "body_too_large", Status::content_too_large, Retry::never},
    ErrorRow{Errc::too_many_fields, "too_many_fields", Status::content_too_large, Retry::never},
    ErrorRow{Errc::unsupported_media_type, "unsupported_media_type", Status::unsupported_media_type,
             Retry::never},
    ErrorRow{Errc::blob_not_found, "blob_not_found", Status::unprocessable_content, Retry::upload},
    ErrorRow{Errc::blob_type_not_allowed, "blob_type_not_allowed", Status::unprocessable_content,
             Retry::never},
    ErrorRow{Errc::copy_incomplete, "copy_incomplete", Status::unprocessable_content, Retry::never},
    ErrorRow{Errc::blob_too_small, "blob_too_small", Status::unprocessable_content, Retry::never},
    ErrorRow{Errc::blob_too_large, "blob_too_large", Status::unprocessable_content, Retry::never},
    ErrorRow{Errc::size_mismatch, "size_mismatch", Status::unprocessable_content, Retry::upload},
    ErrorRow{Errc::md5_mismatch, "md5_mismatch", Status::unprocessable_content, Retry::upload},
    ErrorRow{Errc::content_type_not_allowed, "content_type_not_allowed", Status::unprocessable_content,
             Retry::never},
    ErrorRow{Errc::extension_not_allowed, "extension_not_allowed", Status::unprocessable_content,
             Retry::never},
    ErrorRow{Errc::filename_missing, "filename_missing", Status::unprocessable_content, Retry::never},
    ErrorRow{Errc::content_mismatch, "content_mismatch", Status::unprocessable_content, Retry::never},
    ErrorRow{Errc::rate_limited, "rate_limited", Status::too_many_requests, Retry::callback},
    ErrorRow{Errc::busy, "busy", Status::service_unavailable, Retry::callback},
    ErrorRow{Errc::azure_unavailable, "azure_unavailable", Status::service_unavailable, Retry::callback},
    ErrorRow{Errc::azure_refused, "azure_refused", Status::service_unavailable, Retry::callback},
    ErrorRow{Errc::hook_unavailable, "hook_unavailable", Status::service_unavailable, Retry::callback},
    ErrorRow{Errc::event_store_unavailable, "event_store_unavailable", Status::service_unavailable,
             Retry::callback},
    ErrorRow{Errc::key_unavailable, "key_unavailable", Status::service_unavailable, Retry::callback},
    ErrorRow{Errc::limits_unavailable, "limits_unavailable", Status::service_unavailable, Retry::callback},
    ErrorRow{Errc::internal_error, "internal_error", Status::internal_server_error, Retry::callback},
    ErrorRow{Errc::misconfigured, "misconfigured", Status::internal_server_error, Retry::callback},
};

constexpr bool in_order_of_the_enum() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].errc) != i) return false;
  }
  return kTable.size() == static_cast<std::size_t>(Errc::misconfigured) + 1;
}
static_assert(in_order_of_the_enum());

}  // namespace

const ErrorRow& error_row(Errc errc) {
  return kTable[static_cast<std::size_t>(errc)];
}

}  // namespace blobvalet
