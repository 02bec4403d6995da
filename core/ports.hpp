#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "core/secret.hpp"
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

/// Reads secrets that change while we run, such as tokens which something else renews.
class SecretFiles {
 public:
  SecretFiles() = default;
  SecretFiles(const SecretFiles&) = delete;
  SecretFiles& operator=(const SecretFiles&) = delete;
  virtual ~SecretFiles() = default;
  /// What the file holds, without white space at either end; nothing if it cannot be read or is empty.
  [[nodiscard]] virtual std::optional<SecretBytes> read(const std::string& path) = 0;
};

}  // namespace blobvalet
