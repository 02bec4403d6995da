#pragma once
#include <atomic>
#include <chrono>
#include <string_view>

#include "core/app.hpp"
#include "fcgi/log_line.hpp"

namespace blobvalet::fcgi {

/// The log: lines of JSON on standard error, each written at once, so that the lines of several workers do
/// not mix; where that is the journal, entries whose text is that line.
class Log {
 public:
  /// `access` switches the lines for requests; the others are always written.
  explicit Log(bool access) : access_(access) {}
  void set_access(bool access) { access_ = access; }
  [[nodiscard]] bool access() const { return access_; }

  /// A line about the worker itself: `event` is a fixed name such as `started`, `detail` what an operator
  /// should know.
  static void notice(std::string_view event, std::string_view detail = {});

 private:
  std::atomic<bool> access_;  ///< a reload switches it while threads write
};

/// One request's line. It is made in two steps, since the event's views end with the request, and the client
/// should not wait for the log. Fields outside Event cannot get into it.
class AccessLine {
 public:
  /// Takes down everything but the duration.
  void begin(const Event& event);
  /// Writes the line.
  void finish(std::chrono::microseconds duration);

 private:
  LogLine line_;
  LogLine::Priority priority_ = LogLine::Priority::info;
};

}  // namespace blobvalet::fcgi
