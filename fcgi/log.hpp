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
  /// The options say which requests get a line; lines about the worker itself are always written.
  explicit Log(const ServerOptions& options) { follow(options); }
  void follow(const ServerOptions& options) {
    access_ = options.access_log;
    audit_ = options.audit_log;
  }
  /// True if the request is to get a line. It gets one, not two, if both logs want it.
  [[nodiscard]] bool wants(const Event& event) const { return access_ || (audit_ && event.given); }

  /// A line about the worker itself: `event` is a fixed name such as `started`, `detail` what an operator
  /// should know.
  static void notice(std::string_view event, std::string_view detail = {});

 private:
  // A reload switches them while threads write.
  std::atomic<bool> access_;
  std::atomic<bool> audit_;
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
