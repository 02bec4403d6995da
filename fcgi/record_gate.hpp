#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace blobvalet::fcgi {

/// What the bytes that wait on a connection amount to.
enum class GateVerdict : std::uint8_t {
  incomplete,      ///< a good beginning; look again when more has come
  whole,           ///< exactly one well-formed request: libfcgi can read it without ever blocking
  body_too_large,  ///< parameters are whole and well-formed, the body passes the limit
  malformed,       ///< not what a web server sends; close the connection
};

struct GateLimits {
  std::size_t params_bytes = 65536;  ///< all PARAMS records together
  std::size_t pairs = 256;           ///< parameters of one request
  std::size_t body_bytes = 65536;    ///< all STDIN records together
};

/// Walks FastCGI records (FastCGI Specification 1.0, section 3.3) without consuming them: BEGIN_REQUEST for a
/// responder, PARAMS up to the empty record, STDIN up to the empty record, and nothing behind.
///
/// It stands before libfcgi because libfcgi blocks its thread on a half-sent request, aborts on a parameter
/// whose two lengths add up to more than 2^31-1, overruns a buffer on some FCGI_GET_VALUES, and limits
/// nothing.
[[nodiscard]] GateVerdict inspect_records(std::span<const unsigned char> bytes, const GateLimits& limits);

}  // namespace blobvalet::fcgi
