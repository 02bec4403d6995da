#include "fcgi/log.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/utc_time.hpp"
#include "fcgi/file_descriptor.hpp"
#include "fcgi/json_line.hpp"

namespace blobvalet::fcgi {
namespace {

/// A page may take a signed address for a blob's name, and so send us a signature.
std::string_view without_signature(std::string_view name) {
  return name.substr(0, name.find("sig="));
}

void begin_line(JsonLine& line) {
  using std::chrono::system_clock;
  line.begin();
  line.text("time", UtcText(std::chrono::floor<std::chrono::seconds>(system_clock::now())).view());
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

void write_line(JsonLine& line) {
  static const Sink sink;
  sink.write(line.end());
}

}  // namespace

void Log::notice(std::string_view event, std::string_view detail) {
  JsonLine line;
  begin_line(line);
  line.text("event", event);
  line.number("pid", ::getpid());
  line.text("detail", detail);
  write_line(line);
}

void AccessLine::begin(const Event& event) {
  begin_line(line_);
  line_.text("request_id", event.request_id);
  line_.text("endpoint", event.endpoint);
  line_.text("user", event.user);
  line_.text("verb", event.verb);
  line_.text("account", event.account);
  line_.text("container", event.container);
  line_.text("blob", without_signature(event.blob));
  line_.text("rule", event.rule);
  line_.number("status", static_cast<std::int64_t>(event.status));
  line_.text("outcome", event.status == Status::ok ? "ok" : "refused");
  line_.text("code", event.code);
  line_.text("reason", event.reason);
  if (event.verified) line_.boolean("verified", *event.verified);
  if (event.size_bytes) line_.number("size", static_cast<std::int64_t>(*event.size_bytes));
  line_.text("content_type", event.content_type);
  line_.text("etag", event.etag);
  line_.text("last_modified", event.last_modified);
  line_.text("action", event.action);
  if (event.cut_short) line_.number("cut_short_seconds", event.cut_short->count());
  if (event.hook_status) line_.number("hook_status", *event.hook_status);
}

void AccessLine::finish(std::chrono::microseconds duration) {
  line_.number("micros", duration.count());
  write_line(line_);
}

}  // namespace blobvalet::fcgi
