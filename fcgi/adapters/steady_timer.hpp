#pragma once
#include <thread>

#include "core/ports.hpp"

namespace blobvalet::fcgi {

class SteadyTimer final : public Timer {
 public:
  [[nodiscard]] Time now() const override { return std::chrono::steady_clock::now(); }
  void sleep_for(std::chrono::milliseconds duration) override { std::this_thread::sleep_for(duration); }
};

}  // namespace blobvalet::fcgi
