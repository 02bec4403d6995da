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
    bool prevent_retry;
  };
  constexpr Row kRows[] = {
      {Errc::bad_request, "bad_request", 400, true},
      {Errc::missing_parameter, "missing_parameter", 400, true},
      {Errc::duplicate_parameter, "duplicate_parameter", 400, true},
      {Errc::bad_encoding, "bad_encoding", 400, true},
      {Errc::bad_method, "bad_method", 400, true},
      {Errc::bad_uuid, "bad_uuid", 400, true},
      {Errc::unknown_endpoint, "unknown_endpoint", 403, true},
      {Errc::not_allowed, "not_allowed", 403, true},
      {Errc::bad_blob_name, "bad_blob_name", 403, true},
      {Errc::origin_not_allowed, "origin_not_allowed", 403, true},
      {Errc::login_required, "login_required", 403, true},
      {Errc::blob_not_found, "blob_not_found", 403, true},
      {Errc::method_not_allowed, "method_not_allowed", 405, true},
      {Errc::body_too_large, "body_too_large", 413, true},
      {Errc::too_many_fields, "too_many_fields", 413, true},
      {Errc::unsupported_media_type, "unsupported_media_type", 415, true},
      {Errc::busy, "busy", 503, false},
      {Errc::azure_unavailable, "azure_unavailable", 503, false},
      {Errc::internal_error, "internal_error", 500, false},
      {Errc::misconfigured, "misconfigured", 500, false},
  };
  std::set<std::string_view> codes;
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.code) {
      const ErrorRow& answer = error_row(row.errc);
      BOOST_TEST((answer.errc == row.errc));
      BOOST_TEST(answer.code.view() == row.code);
      BOOST_TEST(static_cast<unsigned>(answer.status) == row.status);
      BOOST_TEST(answer.prevent_retry == row.prevent_retry);
      BOOST_TEST(codes.insert(answer.code.view()).second, "two errors share a code");
    }
  }
  BOOST_TEST(codes.size() == static_cast<std::size_t>(Errc::misconfigured) + 1);
}

BOOST_AUTO_TEST_SUITE_END()
