#pragma once
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "core/http.hpp"

namespace blobvalet::fcgi {

/// Writes one JSON object and a line feed; its buffer is kept for the next line.
class JsonLine {
 public:
  void begin();
  /// Leaves out an empty value and cuts one of more than 3,100 bytes, which is more than the longest blob
  /// name has. What is not UTF-8 cannot stand in JSON: its bytes beyond ASCII become `?`.
  void text(const char* name, std::string_view value);
  /// An object of texts, empty ones too.
  void texts(const char* name, std::span<const NamedValue> values);
  void number(const char* name, std::int64_t value);
  void boolean(const char* name, bool value);
  /// The finished line; valid until the next begin().
  [[nodiscard]] std::string_view end();

 private:
  void string(std::string_view value);
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

/// The part of a value that a line takes: at most 3,100 bytes, never half a character.
[[nodiscard]] std::string_view cut_value(std::string_view value);

}  // namespace blobvalet::fcgi
