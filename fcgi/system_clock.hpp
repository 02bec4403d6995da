#pragma once
#include <chrono>

#include "core/ports.hpp"

namespace blobvalet::fcgi {

/// The machine's clock.
class SystemClock : public Clock {
 public:
  [[nodiscard]] UtcSeconds now() const override {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  }
};

}  // namespace blobvalet::fcgi
