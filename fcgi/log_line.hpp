#pragma once
#include "fcgi/journal.hpp"
#include "fcgi/json_line.hpp"

namespace blobvalet::fcgi {

/// One line of the log: a JSON object, and where standard error is the journal the same in fields of its own,
/// `BLOBVALET_USER` and so on, so that journalctl(1) finds lines by them.
class LogLine {
 public:
  /// syslog(3)
  enum class Priority : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6 };

  void begin();
  // As those of JsonLine.
  void text(const char* name, std::string_view value);
  void texts(const char* name, std::span<const NamedValue> values) { json_.texts(name, values); }
  void number(const char* name, std::int64_t value);
  void boolean(const char* name, bool value) { json_.boolean(name, value); }
  /// Writes it, without ever waiting.
  void write(Priority priority);

 private:
  JsonLine json_;
  JournalEntry entry_;
};

}  // namespace blobvalet::fcgi
