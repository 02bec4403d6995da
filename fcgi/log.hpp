#pragma once
#include <atomic>
#include <chrono>

#include "core/app.hpp"

namespace blobvalet::fcgi {

/// Writes lines of JSON to standard error, each with one write, so that the lines of several workers do not mix.
class Log {
 public:
  /// `access` switches the lines for requests; the others are always written.
  explicit Log(bool access) : access_(access) {}
  void set_access(bool access) { access_ = access; }

  /// One line for one request. Fields outside Event cannot get into it.
  void request(const Event& event, std::chrono::microseconds duration) const;
  /// A line about the worker itself: `event` is a fixed name such as `started`, `detail` what an operator should know.
  static void notice(std::string_view event, std::string_view detail = {});

 private:
  std::atomic<bool> access_;  ///< a reload switches it while threads write
};

}  // namespace blobvalet::fcgi
