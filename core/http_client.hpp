#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

namespace blobvalet {

/// A request of our own, to Azure or to the site's application. Every part of its address comes from the
/// configuration, none from a client.
struct HttpCall {
  std::string method = "GET";  ///< GET, HEAD, PUT, POST, DELETE or OPTIONS
  std::string url;             ///< absolute, http or https
  std::string unix_socket;     ///< connects here instead of to the URL's host; empty: no
  std::string ca_file;         ///< the certificates to trust in place of the system's; empty: the system's
  std::vector<std::string> headers;      ///< each `Name: value`, without CR and LF
  std::string body;                      ///< of PUT and POST
  std::size_t max_answer_bytes = 65536;  ///< a longer body is HttpFailure::too_large
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds timeout{3000};  ///< for everything, from the look-up to the last byte
};

/// What came back. A redirect is an answer like any other: nobody follows it.
struct HttpAnswer {
  int status = 0;                                            ///< 200 to 599
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case, in the order sent
  std::string body;

  /// The first header of this (lower-case) name; empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return {};
  }
};

/// Why there is no answer.
enum class HttpFailure : std::uint8_t {
  unreachable,  ///< no such host, refused, reset, closed half-way
  timed_out,    ///< not within the call's timeouts
  untrusted,    ///< the certificate is not that of the host, or nobody vouches for it
  too_large,    ///< body beyond max_answer_bytes, or headers beyond 64 KiB
  malformed,    ///< no HTTP
};

/// Port: sends one request and waits for its answer. Keeps connections for the next call. Redirects are not
/// followed, proxies of the environment not used. Not for use by two threads at once.
class Http {
 public:
  Http() = default;
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  virtual ~Http() = default;
  [[nodiscard]] virtual tl::expected<HttpAnswer, HttpFailure> send(const HttpCall& call) = 0;
};

}  // namespace blobvalet
