#include "fcgi/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/utc_time.hpp"

namespace blobvalet::fcgi {
namespace {

/// A page may take a signed address for a blob's name, and so send us a signature.
std::string_view without_signature(std::string_view name) {
  return name.substr(0, name.find("sig="));
}

void begin_line(LogLine& line) {
  using std::chrono::system_clock;
  line.begin();
  line.text("time", UtcText(std::chrono::floor<std::chrono::seconds>(system_clock::now())).view());
}

/// What an operator need not act on.
constexpr std::array<std::string_view, 7> kOrdinary{"clock_set", "key_renewed", "reloaded", "signing_key",
                                                    "standby",   "started",     "stopped"};

LogLine::Priority priority_of(std::string_view event) {
  if (std::ranges::find(kOrdinary, event) != kOrdinary.end()) return LogLine::Priority::info;
  return event == "internal_error" ? LogLine::Priority::error : LogLine::Priority::warning;
}

/// A refusal is the client's fault, and worth a look only when there are many.
LogLine::Priority priority_of(Status status) {
  const int code = static_cast<int>(status);
  if (code < 400) return LogLine::Priority::info;
  if (code < 500) return LogLine::Priority::notice;
  return code == 500 ? LogLine::Priority::error : LogLine::Priority::warning;
}

}  // namespace

void Log::notice(std::string_view event, std::string_view detail) {
  LogLine line;
  begin_line(line);
  line.text("event", event);
  line.number("pid", ::getpid());
  line.text("detail", detail);
  line.write(priority_of(event));
}

void AccessLine::begin(const Event& event) {
  begin_line(line_);
  priority_ = priority_of(event.status);
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
  line_.write(priority_);
}

}  // namespace blobvalet::fcgi
