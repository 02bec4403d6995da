#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "core/http_client.hpp"
#include "core/ports.hpp"

namespace blobvalet::fcgi {

/// Where threads wait until it is time, until they are woken, or until all is to end.
class StopGate {
 public:
  /// Waits for `duration`; returns earlier after wake() and, always at once, after stop().
  void wait_for(std::chrono::milliseconds duration) {
    std::unique_lock lock(mutex_);
    const unsigned before = wakes_;
    changed_.wait_for(lock, duration, [&] { return stopped_ || wakes_ != before; });
  }
  void wake() {
    const std::lock_guard lock(mutex_);
    ++wakes_;
    changed_.notify_all();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool is_stopped() const {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  unsigned wakes_ = 0;
  bool stopped_ = false;
};

/// A Timer whose waits end when the gate is stopped.
class StoppableTimer final : public Timer {
 public:
  explicit StoppableTimer(StopGate& gate) : gate_(gate) {}
  [[nodiscard]] Time now() const override { return std::chrono::steady_clock::now(); }
  void sleep_for(std::chrono::milliseconds duration) override {
    const Time end = now() + duration;
    while (!gate_.is_stopped() && now() < end)
      gate_.wait_for(std::chrono::ceil<std::chrono::milliseconds>(end - now()));
  }

 private:
  StopGate& gate_;
};

/// Sends nothing more once the gate is stopped, so that whoever tries again and again comes to an end.
class StoppableHttp final : public Http {
 public:
  StoppableHttp(Http& http, const StopGate& gate) : http_(http), gate_(gate) {}
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> send(const HttpCall& call) override {
    if (gate_.is_stopped()) return tl::unexpected(HttpFailure::unreachable);
    return http_.send(call);
  }

 private:
  Http& http_;
  const StopGate& gate_;
};

}  // namespace blobvalet::fcgi
