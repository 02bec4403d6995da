#include <boost/test/unit_test.hpp>
#include <set>
#include <string>

#include "core/error.hpp"

using namespace blobvalet;

BOOST_AUTO_TEST_SUITE(error_tests)

// Codes are stable: pages and monitoring compare them. A change here is a change of the interface.
BOOST_AUTO_TEST_CASE(every_error_has_its_answer) {
  struct Row {
    Errc errc;
    const char* code;
    unsigned status;
    Retry retry;
  };
  constexpr Row kRows[] = {
      {Errc::bad_request, "bad_request", 400, Retry::never},
      {Errc::missing_parameter, "missing_parameter", 400, Retry::never},
      {Errc::duplicate_parameter, "duplicate_parameter", 400, Retry::never},
      {Errc::bad_encoding, "bad_encoding", 400, Retry::never},
      {Errc::bad_method, "bad_method", 400, Retry::never},
      {Errc::bad_uuid, "bad_uuid", 400, Retry::never},
      {Errc::unknown_endpoint, "unknown_endpoint", 403, Retry::never},
      {Errc::not_allowed, "not_allowed", 403, Retry::never},
      {Errc::bad_blob_name, "bad_blob_name", 403, Retry::never},
      {Errc::origin_not_allowed, "origin_not_allowed", 403, Retry::never},
      {Errc::login_required, "login_required", 403, Retry::never},
      {Errc::hook_refused, "hook_refused", 403, Retry::never},
      {Errc::method_not_allowed, "method_not_allowed", 405, Retry::never},
      {Errc::body_too_large, "body_too_large", 413, Retry::never},
      {Errc::too_many_fields, "too_many_fields", 413, Retry::never},
      {Errc::unsupported_media_type, "unsupported_media_type", 415, Retry::never},
      {Errc::blob_not_found, "blob_not_found", 422, Retry::upload},
      {Errc::blob_type_not_allowed, "blob_type_not_allowed", 422, Retry::never},
      {Errc::copy_incomplete, "copy_incomplete", 422, Retry::never},
      {Errc::blob_too_small, "blob_too_small", 422, Retry::never},
      {Errc::blob_too_large, "blob_too_large", 422, Retry::never},
      {Errc::size_mismatch, "size_mismatch", 422, Retry::upload},
      {Errc::md5_mismatch, "md5_mismatch", 422, Retry::upload},
      {Errc::content_type_not_allowed, "content_type_not_allowed", 422, Retry::never},
      {Errc::extension_not_allowed, "extension_not_allowed", 422, Retry::never},
      {Errc::filename_missing, "filename_missing", 422, Retry::never},
      {Errc::content_mismatch, "content_mismatch", 422, Retry::never},
      {Errc::rate_limited, "rate_limited", 429, Retry::callback},
      {Errc::busy, "busy", 503, Retry::callback},
      {Errc::azure_unavailable, "azure_unavailable", 503, Retry::callback},
      {Errc::azure_refused, "azure_refused", 503, Retry::callback},
      {Errc::hook_unavailable, "hook_unavailable", 503, Retry::callback},
      {Errc::event_store_unavailable, "event_store_unavailable", 503, Retry::callback},
      {Errc::key_unavailable, "key_unavailable", 503, Retry::callback},
      {Errc::limits_unavailable, "limits_unavailable", 503, Retry::callback},
      {Errc::internal_error, "internal_error", 500, Retry::callback},
      {Errc::misconfigured, "misconfigured", 500, Retry::callback},
  };
  std::set<std::string_view> codes;
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.code) {
      const ErrorRow& answer = error_row(row.errc);
      BOOST_TEST((answer.errc == row.errc));
      BOOST_TEST(answer.code.view() == row.code);
      BOOST_TEST(static_cast<unsigned>(answer.status) == row.status);
      BOOST_TEST((answer.retry == row.retry));
      BOOST_TEST(codes.insert(answer.code.view()).second, "two errors share a code");
    }
  }
  BOOST_TEST(codes.size() == static_cast<std::size_t>(Errc::misconfigured) + 1);
}

BOOST_AUTO_TEST_SUITE_END()
