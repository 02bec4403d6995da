#pragma once
#include <curl/curl.h>

#include <functional>
#include <memory>

#include "core/http_client.hpp"

namespace blobvalet::fcgi {

/// libcurl's process-wide state. Made once, before any thread uses CurlHttp, and outlives all of them.
class CurlLibrary {
 public:
  CurlLibrary();
  ~CurlLibrary();
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
};

/// Http over libcurl: HTTP/1.1, certificates always checked, connections kept for the next call.
///
/// A kept connection that the server has closed meanwhile is no failure: libcurl sends the request once more
/// over a new one. It cannot tell whether the server acted on the first before it closed, so whoever receives
/// a request should know it again by an id.
///
/// A call which only a fault of ours can make (an unknown method; a header without a colon, or with CR, LF or
/// NUL in it; a URL with NUL) throws std::logic_error and sends nothing. A header with an empty value is left
/// out.
class CurlHttp final : public Http {
 public:
  /// A call under way is given up (as unreachable) within a second or so once `is_over` returns true; empty:
  /// never.
  explicit CurlHttp(std::function<bool()> is_over = {});
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> send(const HttpCall& call) override;

 private:
  struct Cleanup {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  };
  const std::function<bool()> is_over_;
  std::unique_ptr<CURL, Cleanup> handle_;
};

}  // namespace blobvalet::fcgi
