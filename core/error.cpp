#include "core/error.hpp"

#include <array>

namespace blobvalet {
namespace {

constexpr std::array kTable{
    ErrorRow{Errc::bad_request, "bad_request", Status::bad_request, true},
    ErrorRow{Errc::missing_parameter, "missing_parameter", Status::bad_request, true},
    ErrorRow{Errc::duplicate_parameter, "duplicate_parameter", Status::bad_request, true},
    ErrorRow{Errc::bad_encoding, "bad_encoding", Status::bad_request, true},
    ErrorRow{Errc::bad_method, "bad_method", Status::bad_request, true},
    ErrorRow{Errc::bad_uuid, "bad_uuid", Status::bad_request, true},
    ErrorRow{Errc::unknown_endpoint, "unknown_endpoint", Status::forbidden, true},
    ErrorRow{Errc::not_allowed, "not_allowed", Status::forbidden, true},
    ErrorRow{Errc::bad_blob_name, "bad_blob_name", Status::forbidden, true},
    ErrorRow{Errc::origin_not_allowed, "origin_not_allowed", Status::forbidden, true},
    ErrorRow{Errc::login_required, "login_required", Status::forbidden, true},
    ErrorRow{Errc::blob_not_found, "blob_not_found", Status::forbidden, true},
    ErrorRow{Errc::method_not_allowed, "method_not_allowed", Status::method_not_allowed, true},
    ErrorRow{Errc::body_too_large, "body_too_large", Status::content_too_large, true},
    ErrorRow{Errc::too_many_fields, "too_many_fields", Status::content_too_large, true},
    ErrorRow{Errc::unsupported_media_type, "unsupported_media_type", Status::unsupported_media_type, true},
    ErrorRow{Errc::busy, "busy", Status::service_unavailable, false},
    ErrorRow{Errc::azure_unavailable, "azure_unavailable", Status::service_unavailable, false},
    ErrorRow{Errc::internal_error, "internal_error", Status::internal_server_error, false},
    ErrorRow{Errc::misconfigured, "misconfigured", Status::internal_server_error, false},
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
