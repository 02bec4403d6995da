#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/ports.hpp"

namespace blobvalet::testing {

/// Holds every thread that asks for the time, except one, until released: so callbacks can be made to wait.
class BlockingClock final : public Clock {
 public:
  ~BlockingClock() override { release(); }
  [[nodiscard]] UtcSeconds now() const override {
    if (std::this_thread::get_id() != free_thread_.load()) wait();
    return UtcSeconds{};
  }
  /// The calling thread never waits.
  void spare_this_thread() { free_thread_ = std::this_thread::get_id(); }
  void release() {
    {
      const std::lock_guard lock(mutex_);
      released_ = true;
    }
    changed_.notify_all();
  }
  /// True once `count` threads wait; false if they do not come.
  [[nodiscard]] bool wait_for(unsigned count) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return waiting_ == count; });
  }

 private:
  void wait() const {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
    --waiting_;
  }

  std::atomic<std::thread::id> free_thread_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable unsigned waiting_ = 0;
  bool released_ = false;
};

}  // namespace blobvalet::testing
