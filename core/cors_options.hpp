#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace blobvalet {

/// What pages need of the accounts' CORS rules, for `blobvalet cors`; the configuration's `cors`. Workers
/// have no use for it.
struct CorsOptions {
  std::vector<std::string> origins;     ///< of the pages, as browsers send them
  std::vector<std::string> parameters;  ///< names of Fine Uploader's request.params, and of form fields
  bool scaling = false;                 ///< pages scale images, and say which image each one comes from
  bool literal_headers = false;         ///< each header by its name, in place of `x-ms-meta-*`
  std::chrono::seconds max_age{3600};   ///< how long browsers may remember a preflight
  /// Tells this site's rule in an account from those of others, which stay as they are.
  std::string owner = "blobvalet";
};

}  // namespace blobvalet
