#pragma once
#include <chrono>
#include <cstddef>

namespace blobvalet {

/// Bounds on the list of what a user has uploaded; the configuration's `session`.
struct SessionOptions {
  std::size_t max_files = 500;               ///< in one answer, the newest
  std::size_t max_blobs = 10000;             ///< that one answer looks at
  std::chrono::milliseconds deadline{5000};  ///< for all requests to Azure of one answer together
  std::chrono::milliseconds connect_timeout{1000};
};

}  // namespace blobvalet
