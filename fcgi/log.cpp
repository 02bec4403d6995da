#include "fcgi/log.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/utc_time.hpp"

namespace blobvalet::fcgi {
namespace {

/// A page may take a signed address for a blob's name, and so send us a signature, its `=` perhaps escaped.
std::string_view without_signature(std::string_view name) {
  for (std::size_t at = name.find("sig"); at != std::string_view::npos; at = name.find("sig", at + 1)) {
    const std::string_view behind = name.substr(at + 3);
    if (behind.starts_with('=') || behind.starts_with('%')) return name.substr(0, at);
  }
  return name;
}

/// A blob's name, or what came in place of one, without a signature; says if there was one.
void name_text(LogLine& line, const char* field, std::string_view name) {
  const std::string_view shown = without_signature(name);
  line.text(field, shown);
  if (shown.size() < name.size()) line.boolean("name_cut", true);
}

void given_sas(LogLine& line, const GivenSas& given) {
  line.text("permissions", given.permissions);
  if (given.start) line.text("starts", UtcText(*given.start).view());
  line.text("expires", UtcText(given.expiry).view());
  line.number("lifetime_seconds", given.lifetime.count());
  line.text("ip", given.ip);
  if (given.is_bound) line.boolean("bound", true);
  line.text("signature_sha256", given.signature_sha256);
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
  line_.text("remote_addr", event.remote_addr);
  if (!event.vars.empty()) line_.texts("vars", event.vars);
  line_.text("verb", event.verb);
  line_.text("account", event.account);
  line_.text("container", event.container);
  line_.text("alias", event.alias);
  name_text(line_, "blob", event.blob);
  name_text(line_, "bloburi", event.blob_uri);
  name_text(line_, "folder", event.folder);
  if (event.listed) line_.number("listed", static_cast<std::int64_t>(*event.listed));
  line_.text("rule", event.rule);
  line_.text("operation", event.operation);
  if (event.file_size) line_.number("file_size", static_cast<std::int64_t>(*event.file_size));
  line_.text("file_type", event.file_type);
  if (event.part) line_.number("part", *event.part);
  if (event.given) given_sas(line_, *event.given);
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
