#pragma once
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <iostream>
#include <string_view>

namespace blobvalet::fcgi {

/// Writes one JSON document, as deep as it takes, to standard output.
class JsonObject {
 public:
  JsonObject() : writer_(buffer_) { writer_.StartObject(); }

  JsonObject& text(const char* name, std::string_view value) {
    writer_.Key(name);
    return item(value);
  }
  /// Leaves out an empty value.
  JsonObject& given(const char* name, std::string_view value) {
    return value.empty() ? *this : text(name, value);
  }
  JsonObject& number(const char* name, std::uint64_t value) {
    writer_.Key(name);
    writer_.Uint64(value);
    return *this;
  }
  JsonObject& boolean(const char* name, bool value) {
    writer_.Key(name);
    writer_.Bool(value);
    return *this;
  }
  JsonObject& item(std::string_view value) {
    writer_.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  JsonObject& begin_object(const char* name) {
    writer_.Key(name);
    return begin_object();
  }
  JsonObject& begin_object() {
    writer_.StartObject();
    return *this;
  }
  JsonObject& end_object() {
    writer_.EndObject();
    return *this;
  }
  JsonObject& begin_list(const char* name) {
    writer_.Key(name);
    writer_.StartArray();
    return *this;
  }
  JsonObject& end_list() {
    writer_.EndArray();
    return *this;
  }
  /// Ends the document.
  void print() {
    writer_.EndObject();
    std::cout.write(buffer_.GetString(), static_cast<std::streamsize>(buffer_.GetSize())) << "\n";
  }

 private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>, rapidjson::CrtAllocator,
                    rapidjson::kWriteDefaultFlags>
      writer_;
};

}  // namespace blobvalet::fcgi
