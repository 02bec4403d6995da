#include "fcgi/json_line.hpp"

#include <string>

#include "core/utf8.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr std::size_t kMaxValueBytes = 3100;

}  // namespace

std::string_view cut_value(std::string_view value) {
  if (value.size() <= kMaxValueBytes) return value;
  const auto continues = [&](std::size_t i) {
    return (static_cast<unsigned char>(value[i]) & 0xc0U) == 0x80;
  };
  std::size_t end = kMaxValueBytes;
  while (end > 0 && continues(end))
    --end;
  return value.substr(0, end);
}

void JsonLine::begin() {
  buffer_.Clear();
  writer_.Reset(buffer_);
  writer_.StartObject();
}

void JsonLine::text(const char* name, std::string_view value) {
  if (value.empty()) return;
  writer_.Key(name);
  string(value);
}

void JsonLine::texts(const char* name, std::span<const NamedValue> values) {
  writer_.Key(name);
  writer_.StartObject();
  for (const NamedValue& value : values) {
    string(value.name);
    string(value.value);
  }
  writer_.EndObject();
}

void JsonLine::string(std::string_view value) {
  value = cut_value(value);
  if (is_utf8(value)) {
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return;
  }
  const std::string ascii = ascii_only(value);
  writer_.String(ascii.data(), static_cast<rapidjson::SizeType>(ascii.size()));
}

void JsonLine::number(const char* name, std::int64_t value) {
  writer_.Key(name);
  writer_.Int64(value);
}

void JsonLine::boolean(const char* name, bool value) {
  writer_.Key(name);
  writer_.Bool(value);
}

std::string_view JsonLine::end() {
  writer_.EndObject();
  buffer_.Put('\n');
  return {buffer_.GetString(), buffer_.GetSize()};
}

}  // namespace blobvalet::fcgi
