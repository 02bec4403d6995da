#include "fcgi/log_line.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>

#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {
namespace {

/// A field of the line and its name in the journal. What nobody would look for is in the line alone: the
/// journal keeps an index of all values.
struct JournalName {
  std::string_view name;
  std::string_view journal_name;
};
constexpr std::array<JournalName, 12> kJournalNames{{
    {"event", "BLOBVALET_EVENT"},
    {"request_id", "BLOBVALET_REQUEST_ID"},
    {"endpoint", "BLOBVALET_ENDPOINT"},
    {"user", "BLOBVALET_USER"},
    {"verb", "BLOBVALET_VERB"},
    {"account", "BLOBVALET_ACCOUNT"},
    {"container", "BLOBVALET_CONTAINER"},
    {"blob", "BLOBVALET_BLOB"},
    {"rule", "BLOBVALET_RULE"},
    {"signature_sha256", "BLOBVALET_SIGNATURE_SHA256"},
    {"status", "BLOBVALET_STATUS"},
    {"code", "BLOBVALET_CODE"},
}};

std::string_view journal_name(std::string_view name) {
  for (const JournalName& known : kJournalNames) {
    if (known.name == name) return known.journal_name;
  }
  return {};
}

/// Standard error, written without ever waiting: if whoever reads the log has stopped, lines are lost, not
/// requests.
class Sink {
 public:
  Sink() {
    struct stat status {};
    is_socket_ = ::fstat(STDERR_FILENO, &status) == 0 && S_ISSOCK(status.st_mode);
    // Opened once more, since O_NONBLOCK on the descriptor we inherited would hold for everybody who shares
    // it.
    if (!is_socket_)
      own_ = FileDescriptor(::open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC));
  }
  void write(std::string_view line) const {
    if (is_socket_) {
      (void)!::send(STDERR_FILENO, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
      write_to_file(line);
    }
  }

 private:
  /// The inherited descriptor blocks: where no other is to be had, ask before each line.
  void write_to_file(std::string_view line) const {
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (own_.valid()) {
      (void)!::write(own_.get(), line.data(), line.size());
    } else if (::poll(&ready, 1, 0) == 1) {
      (void)!::write(STDERR_FILENO, line.data(), line.size());
    }
  }

  bool is_socket_ = false;
  FileDescriptor own_;
};

const Sink& sink() {
  static const Sink the_sink;
  return the_sink;
}

/// Where standard error is the journal.
const std::optional<Journal>& journal() {
  static const std::optional<Journal> the_journal =
      Journal::is_behind(STDERR_FILENO) ? std::optional<Journal>(std::in_place) : std::nullopt;
  return the_journal;
}

}  // namespace

void LogLine::begin() {
  json_.begin();
  entry_.begin();
}

void LogLine::text(const char* name, std::string_view value) {
  json_.text(name, value);
  if (!journal() || value.empty()) return;
  if (const auto field = journal_name(name); !field.empty()) entry_.field(field, cut_value(value));
}

void LogLine::number(const char* name, std::int64_t value) {
  json_.number(name, value);
  if (!journal()) return;
  if (const auto field = journal_name(name); !field.empty()) entry_.field(field, std::to_string(value));
}

void LogLine::write(Priority priority) {
  const std::string_view line = json_.end();
  if (journal()) {
    entry_.field("PRIORITY", std::to_string(static_cast<int>(priority)));
    entry_.field("SYSLOG_IDENTIFIER", "blobvalet");
    entry_.field("MESSAGE", line.substr(0, line.size() - 1));
    if (journal()->send(entry_)) return;
  }
  sink().write(line);
}

}  // namespace blobvalet::fcgi
