#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// Time as it passes, for deadlines, and waiting.
class Timer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() = default;
  [[nodiscard]] virtual Time now() const = 0;
  virtual void sleep_for(std::chrono::milliseconds duration) = 0;
};

/// Recognises what bytes are by their magic number.
class MagicNumbers {
 public:
  MagicNumbers() = default;
  MagicNumbers(const MagicNumbers&) = delete;
  MagicNumbers& operator=(const MagicNumbers&) = delete;
  virtual ~MagicNumbers() = default;
  /// The media type (`image/png`) of a file that begins with `bytes`, in lower case and without parameters;
  /// `application/octet-stream` if it is not recognised. Not for use by two threads at once.
  [[nodiscard]] virtual std::string media_type(std::string_view bytes) = 0;
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
