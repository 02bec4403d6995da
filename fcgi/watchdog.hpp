#pragma once
#include <chrono>
#include <string>

#include "fcgi/service_manager.hpp"

namespace blobvalet::fcgi {

/// Sees to it that a process whose loop stands still is replaced: systemd is told that it goes on, or where
/// systemd does not listen (spawn-fcgi pool), a timer of the kernel's that ends the process is set back.
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

  /// When alive() is due.
  [[nodiscard]] Time next() const { return next_; }
  /// The loop goes on; `status` is for `systemctl status`.
  void alive(std::string_view status);
  /// The loop goes on, but the process is of no use: if that does not change it is to be replaced.
  void useless();
  /// Nobody watches any more.
  void stop();

 private:
  const ServiceManager& manager_;
  const std::chrono::milliseconds limit_;
  Time next_;
};

}  // namespace blobvalet::fcgi
