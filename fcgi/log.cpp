#include "fcgi/log.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "core/utc_time.hpp"
#include "core/utf8.hpp"

namespace blobvalet::fcgi {
namespace {

// Longer than the longest blob name (1,024 characters of 3 bytes); other fields are cut.
constexpr std::size_t kMaxFieldBytes = 3100;

/// One flat JSON object.
class Line {
 public:
  Line() : writer_(buffer_) {
    writer_.StartObject();
    using std::chrono::floor;
    field("time", UtcText(floor<std::chrono::seconds>(std::chrono::system_clock::now())).view());
  }
  /// Leaves out empty values. What is not UTF-8 could not stand in JSON: its bytes beyond ASCII become `?`.
  void field(const char* name, std::string_view value) {
    if (value.empty()) return;
    value = value.substr(0, kMaxFieldBytes);
    writer_.Key(name);
    if (is_utf8(value)) return text(value);
    std::string ascii(value);
    std::ranges::replace_if(ascii, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
    text(ascii);
  }
  void number(const char* name, std::int64_t value) {
    writer_.Key(name);
    writer_.Int64(value);
  }
  void write() {
    writer_.EndObject();
    buffer_.Put('\n');
    // A log that cannot be written must not stop the service.
    (void)!::write(STDERR_FILENO, buffer_.GetString(), buffer_.GetSize());
  }

 private:
  void text(std::string_view value) {
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  }
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

}  // namespace

void Log::request(const Event& event, std::chrono::microseconds duration) const {
  if (!access_) return;
  Line line;
  line.field("request_id", event.request_id);
  line.field("endpoint", event.endpoint);
  line.field("user", event.user);
  line.field("verb", event.verb);
  line.field("account", event.account);
  line.field("container", event.container);
  line.field("blob", event.blob);
  line.field("rule", event.rule);
  line.number("status", static_cast<std::int64_t>(event.status));
  line.field("outcome", event.status == Status::ok ? "ok" : "refused");
  line.field("code", event.code);
  line.field("reason", event.reason);
  line.number("micros", duration.count());
  line.write();
}

void Log::notice(std::string_view event, std::string_view detail) {
  Line line;
  line.field("event", event);
  line.number("pid", ::getpid());
  line.field("detail", detail);
  line.write();
}

}  // namespace blobvalet::fcgi
