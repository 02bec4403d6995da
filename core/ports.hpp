#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/blob_target.hpp"
#include "core/result.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// What core asks of the world. Tests pass fakes.
class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;
  [[nodiscard]] virtual UtcSeconds now() const = 0;
};

/// What Azure says of a stored blob (Get Blob Properties).
struct BlobProperties {
  std::uint64_t size_bytes = 0;
  std::string content_type;
  std::string blob_type;  ///< `BlockBlob`, `PageBlob` or `AppendBlob`
  std::string etag;
};

/// Looks a blob up in Azure before its callback is believed. May be called by several threads at once.
class BlobProbe {
 public:
  BlobProbe() = default;
  BlobProbe(const BlobProbe&) = delete;
  BlobProbe& operator=(const BlobProbe&) = delete;
  virtual ~BlobProbe() = default;
  /// The blob's properties, or nothing if there is no such blob. Errors: azure_unavailable.
  [[nodiscard]] virtual Result<std::optional<BlobProperties>> probe(const BlobTarget& target) = 0;
};

}  // namespace blobvalet
