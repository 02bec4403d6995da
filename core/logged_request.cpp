#include "core/logged_request.hpp"

#include <rapidjson/reader.h>

#include <algorithm>
#include <array>

namespace blobvalet {
namespace {

struct TextField {
  std::string_view name;
  std::string_view LoggedRequest::*member;
};
constexpr std::array kTextFields{TextField{"time", &LoggedRequest::time},
                                 TextField{"request_id", &LoggedRequest::request_id},
                                 TextField{"endpoint", &LoggedRequest::endpoint},
                                 TextField{"user", &LoggedRequest::user},
                                 TextField{"remote_addr", &LoggedRequest::remote_addr},
                                 TextField{"verb", &LoggedRequest::verb},
                                 TextField{"account", &LoggedRequest::account},
                                 TextField{"container", &LoggedRequest::container},
                                 TextField{"alias", &LoggedRequest::alias},
                                 TextField{"blob", &LoggedRequest::blob},
                                 TextField{"bloburi", &LoggedRequest::blob_uri},
                                 TextField{"rule", &LoggedRequest::rule},
                                 TextField{"operation", &LoggedRequest::operation},
                                 TextField{"file_type", &LoggedRequest::file_type},
                                 TextField{"permissions", &LoggedRequest::permissions},
                                 TextField{"starts", &LoggedRequest::starts},
                                 TextField{"expires", &LoggedRequest::expires},
                                 TextField{"ip", &LoggedRequest::ip},
                                 TextField{"signature_sha256", &LoggedRequest::signature_sha256},
                                 TextField{"outcome", &LoggedRequest::outcome},
                                 TextField{"code", &LoggedRequest::code},
                                 TextField{"reason", &LoggedRequest::reason},
                                 TextField{"content_type", &LoggedRequest::content_type},
                                 TextField{"action", &LoggedRequest::action}};

struct NumberField {
  std::string_view name;
  std::optional<std::int64_t> LoggedRequest::*member;
};
constexpr std::array kNumberFields{NumberField{"file_size", &LoggedRequest::file_size},
                                   NumberField{"part", &LoggedRequest::part},
                                   NumberField{"status", &LoggedRequest::status},
                                   NumberField{"lifetime_seconds", &LoggedRequest::lifetime_seconds},
                                   NumberField{"cut_short_seconds", &LoggedRequest::cut_short_seconds},
                                   NumberField{"size", &LoggedRequest::size},
                                   NumberField{"hook_status", &LoggedRequest::hook_status}};

}  // namespace

std::optional<std::string_view> LoggedRequest::var(std::string_view name) const {
  const auto found = std::ranges::find(vars, name, &NamedValue::name);
  return found == vars.end() ? std::nullopt : std::optional(found->value);
}

/// Takes the members that have a name of ours out of one JSON object; in journald's, the message.
class LogReader::Fields : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, LogReader::Fields> {
 public:
  Fields(LoggedRequest& line, std::string& message) : line_(line), message_(message) {}

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
  LoggedRequest& line_;
  std::string& message_;
  std::string_view key_;
  int depth_ = 0;
  int arrays_ = 0;
};

bool LogReader::parse(std::string& text) {
  std::vector<NamedValue> vars = std::move(line_.vars);
  vars.clear();
  line_ = LoggedRequest();
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

const LoggedRequest* LogReader::read(std::string_view line) {
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
