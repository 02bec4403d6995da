#pragma once
#include <string>
#include <string_view>

#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

/// One entry for the journal in its native protocol, which systemd documents as stable ("Native Journal
/// Protocol"); its buffer is kept for the next one.
class JournalEntry {
 public:
  void begin() { text_.clear(); }
  /// `name` is of capital letters, digits and underscores. Any bytes are a value.
  void field(std::string_view name, std::string_view value);
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::string text_;
};

/// Where journald listens.
class Journal {
 public:
  explicit Journal(std::string socket = "/run/systemd/journal/socket");

  /// True if file descriptor `fd` leads to the journal, by $JOURNAL_STREAM (systemd.exec(5)).
  [[nodiscard]] static bool is_behind(int fd);

  /// Never waits. False if the journal is away, has no room, or the entry is too large for it.
  [[nodiscard]] bool send(const JournalEntry& entry) const;

 private:
  std::string socket_;
  FileDescriptor sender_;
};

}  // namespace blobvalet::fcgi
