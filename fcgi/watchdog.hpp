#pragma once
#include <chrono>
#include <string>

#include "fcgi/service_manager.hpp"

namespace blobvalet::fcgi {

/// Sees to it that a process whose loop stands still is replaced: systemd is told that it goes on, or where
/// systemd does not listen (spawn-fcgi pool), a timer of the kernel's that ends the process is set back.
///
/// That timer need not run while the loop only waits for the kernel: a process with nothing to do sleeps
/// until there is something, rather than wake for signs that nobody needs.
class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `limit`: how long the loop may stand still, unless systemd says otherwise. The manager outlives it.
  Watchdog(const ServiceManager& manager, std::chrono::milliseconds limit);
  ~Watchdog() { stop(); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  Watchdog(Watchdog&&) = delete;
  Watchdog& operator=(Watchdog&&) = delete;

  /// When alive() or rest() is due; Time::max() while it rests.
  [[nodiscard]] Time next() const { return next_; }
  /// The loop goes on; `status` is for `systemctl status`.
  void alive(std::string_view status);
  /// The loop goes on, but the process is of no use: if that does not change it is to be replaced.
  void useless();
  /// The loop goes on, and has nothing to do before work() is called: no timer runs until then. systemd still
  /// wants its signs.
  void rest(std::string_view status);
  /// The loop has woken up.
  void work() {
    if (next_ == Time::max()) begin();
  }
  /// Nobody watches any more.
  void stop();

 private:
  void begin();

  const ServiceManager& manager_;
  const std::chrono::milliseconds limit_;
  Time next_;
};

}  // namespace blobvalet::fcgi
