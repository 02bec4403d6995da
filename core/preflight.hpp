#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/http_client.hpp"

namespace blobvalet {

/// What a browser asks before it sends a request to another origin ("CORS-preflight fetch",
/// fetch.spec.whatwg.org).
struct Preflight {
  std::string url;
  std::string origin;
  std::string method;
  std::vector<std::string> headers;  ///< names in lower case

  [[nodiscard]] HttpCall call(const std::string& ca_file) const;
  /// Why a browser would not send the request, by the answer to call(); empty: it would.
  [[nodiscard]] std::string objection(const HttpAnswer& answer) const;
};

/// Why there was no answer, for operators.
[[nodiscard]] std::string_view describe(HttpFailure failure);

}  // namespace blobvalet
