#include "fcgi/log.hpp"

#include <unistd.h>

#include "core/utc_time.hpp"
#include "fcgi/json_line.hpp"

namespace blobvalet::fcgi {
namespace {

void begin_line(JsonLine& line) {
  using std::chrono::system_clock;
  line.begin();
  line.text("time", UtcText(std::chrono::floor<std::chrono::seconds>(system_clock::now())).view());
}

void write_line(JsonLine& line) {
  const std::string_view text = line.end();
  // A log that cannot be written must not stop the service.
  (void)!::write(STDERR_FILENO, text.data(), text.size());
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
  line_.text("blob", event.blob);
  line_.text("rule", event.rule);
  line_.number("status", static_cast<std::int64_t>(event.status));
  line_.text("outcome", event.status == Status::ok ? "ok" : "refused");
  line_.text("code", event.code);
  line_.text("reason", event.reason);
}

void AccessLine::finish(std::chrono::microseconds duration) {
  line_.number("micros", duration.count());
  write_line(line_);
}

}  // namespace blobvalet::fcgi
