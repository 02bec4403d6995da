#include "core/log_line.hpp"

#include <rapidjson/reader.h>

#include <algorithm>
#include <array>

namespace blobvalet {
namespace {

struct TextField {
  std::string_view name;
  std::string_view LogLine::*member;
};
constexpr std::array kTextFields{TextField{"time", &LogLine::time},
                                 TextField{"request_id", &LogLine::request_id},
                                 TextField{"endpoint", &LogLine::endpoint},
                                 TextField{"user", &LogLine::user},
                                 TextField{"remote_addr", &LogLine::remote_addr},
                                 TextField{"verb", &LogLine::verb},
                                 TextField{"account", &LogLine::account},
                                 TextField{"container", &LogLine::container},
                                 TextField{"alias", &LogLine::alias},
                                 TextField{"blob", &LogLine::blob},
                                 TextField{"bloburi", &LogLine::blob_uri},
                                 TextField{"rule", &LogLine::rule},
                                 TextField{"operation", &LogLine::operation},
                                 TextField{"permissions", &LogLine::permissions},
                                 TextField{"starts", &LogLine::starts},
                                 TextField{"expires", &LogLine::expires},
                                 TextField{"ip", &LogLine::ip},
                                 TextField{"signature_sha256", &LogLine::signature_sha256},
                                 TextField{"outcome", &LogLine::outcome},
                                 TextField{"code", &LogLine::code},
                                 TextField{"reason", &LogLine::reason},
                                 TextField{"content_type", &LogLine::content_type},
                                 TextField{"action", &LogLine::action}};

struct NumberField {
  std::string_view name;
  std::optional<std::int64_t> LogLine::*member;
};
constexpr std::array kNumberFields{
    NumberField{"status", &LogLine::status}, NumberField{"lifetime_seconds", &LogLine::lifetime_seconds},
    NumberField{"cut_short_seconds", &LogLine::cut_short_seconds}, NumberField{"size", &LogLine::size},
    NumberField{"hook_status", &LogLine::hook_status}};

}  // namespace

std::optional<std::string_view> LogLine::var(std::string_view name) const {
  const auto found = std::ranges::find(vars, name, &NamedValue::name);
  return found == vars.end() ? std::nullopt : std::optional(found->value);
}

/// Takes the members that have a name of ours out of one JSON object; in journald's, the message.
class LogLineReader::Fields : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, LogLineReader::Fields> {
 public:
  Fields(LogLine& line, std::string& message) : line_(line), message_(message) {}

  bool StartObject() {
    ++depth_;
    return true;
  }
  bool EndObject(rapidjson::SizeType /*members*/) {
    --depth_;
    return true;
  }
  bool StartArray() {
    ++arrays_;
    return true;
  }
  bool EndArray(rapidjson::SizeType /*items*/) {
    --arrays_;
    return true;
  }
  bool Key(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    const std::string_view name(text, size);
    if (depth_ == 1) key_ = name;
    if (depth_ == 2 && key_ == "vars") line_.vars.push_back({name, {}});
    return true;
  }
  bool String(const char* text, rapidjson::SizeType size, bool /*copy*/) {
    const std::string_view value(text, size);
    if (depth_ == 2 && key_ == "vars") line_.vars.back().value = value;
    if (depth_ != 1 || arrays_ != 0) return true;
    if (key_ == "MESSAGE") message_ = value;
    const auto* field = std::ranges::find(kTextFields, key_, &TextField::name);
    if (field != kTextFields.end()) line_.*field->member = value;
    return true;
  }
  bool Int(int value) { return Int64(value); }
  bool Uint(unsigned value) { return Int64(value); }
  bool Uint64(std::uint64_t value) { return Int64(static_cast<std::int64_t>(value)); }
  bool Int64(std::int64_t value) {
    if (depth_ != 1) return true;
    // So journald writes a message that holds what it does not take for text.
    if (arrays_ == 1 && key_ == "MESSAGE") message_.push_back(static_cast<char>(value));
    if (arrays_ != 0) return true;
    const auto* field = std::ranges::find(kNumberFields, key_, &NumberField::name);
    if (field != kNumberFields.end()) line_.*field->member = value;
    return true;
  }
  bool Bool(bool value) {
    if (depth_ == 1 && key_ == "name_cut") line_.name_cut = value;
    if (depth_ == 1 && key_ == "bound") line_.bound = value;
    return true;
  }

 private:
  LogLine& line_;
  std::string& message_;
  std::string_view key_;
  int depth_ = 0;
  int arrays_ = 0;
};

bool LogLineReader::parse(std::string& text) {
  std::vector<NamedValue> vars = std::move(line_.vars);
  vars.clear();
  line_ = LogLine();
  line_.vars = std::move(vars);
  std::string message;
  Fields fields(line_, message);
  rapidjson::Reader reader;
  rapidjson::InsituStringStream stream(text.data());
  constexpr unsigned kFlags =
      rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseStopWhenDoneFlag;
  if (reader.Parse<kFlags>(stream, fields).IsError()) return false;
  if (!message.empty()) message_ = std::move(message);
  return true;
}

const LogLine* LogLineReader::read(std::string_view line) {
  const std::size_t begin = line.find('{');
  if (begin == std::string_view::npos) return nullptr;
  text_.assign(line.substr(begin));
  message_.clear();
  if (!parse(text_)) return nullptr;
  if (!message_.empty()) {
    text_ = message_.substr(std::min(message_.find('{'), message_.size()));
    message_.clear();
    if (!parse(text_)) return nullptr;
  }
  // Lines about the worker itself have no endpoint, nor has a stranger's JSON both.
  return line_.endpoint.empty() || line_.code.empty() ? nullptr : &line_;
}

}  // namespace blobvalet
