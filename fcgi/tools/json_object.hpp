#pragma once
#include <cstdint>
#include <iostream>
#include <string_view>

#include "core/json_text.hpp"

namespace blobvalet::fcgi {

/// One JSON object for standard output, written member by member in one chain.
class JsonObject {
 public:
  JsonObject() { json_.begin_object(); }

  JsonObject& text(std::string_view name, std::string_view value) {
    json_.text(name, value);
    return *this;
  }
  /// Leaves out an empty value.
  JsonObject& given(std::string_view name, std::string_view value) {
    return value.empty() ? *this : text(name, value);
  }
  JsonObject& number(std::string_view name, std::uint64_t value) {
    json_.number(name, static_cast<std::int64_t>(value));
    return *this;
  }
  JsonObject& boolean(std::string_view name, bool value) {
    json_.boolean(name, value);
    return *this;
  }
  /// One of a list.
  JsonObject& item(std::string_view value) { return text({}, value); }
  JsonObject& begin_object(std::string_view name = {}) {
    json_.begin_object(name);
    return *this;
  }
  JsonObject& end_object() {
    json_.end_object();
    return *this;
  }
  JsonObject& begin_list(std::string_view name) {
    json_.begin_array(name);
    return *this;
  }
  JsonObject& end_list() {
    json_.end_array();
    return *this;
  }
  /// Ends the object.
  void print() {
    json_.end_object();
    std::cout << json_.take();
  }

 private:
  JsonText json_;
};

}  // namespace blobvalet::fcgi
