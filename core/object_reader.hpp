#pragma once
#include <rapidjson/document.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blobvalet {

/// The text that `value`, which is one, holds.
[[nodiscard]] inline std::string_view json_text(const rapidjson::Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// Reads one JSON object. A member of the wrong type reads as absent: the schema check has reported it, and
/// reading on lets the operator see all other faults in the same run.
class ObjectReader {
 public:
  ObjectReader(const rapidjson::Value* object, std::string path)
      : object_(object != nullptr && object->IsObject() ? object : nullptr), path_(std::move(path)) {}

  [[nodiscard]] const rapidjson::Value* member(const char* name) const {
    if (object_ == nullptr) return nullptr;
    const auto found = object_->FindMember(name);
    return found == object_->MemberEnd() ? nullptr : &found->value;
  }
  [[nodiscard]] bool has(const char* name) const { return member(name) != nullptr; }
  [[nodiscard]] std::optional<std::string> text(const char* name) const {
    const rapidjson::Value* value = member(name);
    if (value == nullptr || !value->IsString()) return std::nullopt;
    return std::string(json_text(*value));
  }
  [[nodiscard]] std::optional<unsigned> number(const char* name) const {
    const rapidjson::Value* value = member(name);
    if (value == nullptr || !value->IsUint()) return std::nullopt;
    return value->GetUint();
  }
  /// A number too large for number().
  [[nodiscard]] std::optional<std::uint64_t> large_number(const char* name) const {
    const rapidjson::Value* value = member(name);
    if (value == nullptr || !value->IsUint64()) return std::nullopt;
    return value->GetUint64();
  }
  [[nodiscard]] std::optional<std::chrono::milliseconds> milliseconds(const char* name) const {
    const auto value = number(name);
    return value ? std::optional(std::chrono::milliseconds(*value)) : std::nullopt;
  }
  [[nodiscard]] std::optional<bool> boolean(const char* name) const {
    const rapidjson::Value* value = member(name);
    if (value == nullptr || !value->IsBool()) return std::nullopt;
    return value->GetBool();
  }
  [[nodiscard]] std::vector<std::string> texts(const char* name) const {
    std::vector<std::string> result;
    const rapidjson::Value* value = member(name);
    if (value == nullptr || !value->IsArray()) return result;
    for (const rapidjson::Value& item : value->GetArray()) {
      if (item.IsString()) result.emplace_back(json_text(item));
    }
    return result;
  }
  [[nodiscard]] ObjectReader object(const char* name) const { return {member(name), path_of(name)}; }
  [[nodiscard]] std::vector<ObjectReader> objects(const char* name) const {
    std::vector<ObjectReader> result;
    const rapidjson::Value* value = member(name);
    if (value == nullptr || !value->IsArray()) return result;
    for (rapidjson::SizeType i = 0; i < value->Size(); ++i) {
      result.emplace_back(&(*value)[i], path_of(name) + "[" + std::to_string(i) + "]");
    }
    return result;
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> result;
    if (object_ == nullptr) return result;
    for (auto member = object_->MemberBegin(); member != object_->MemberEnd(); ++member)
      result.emplace_back(json_text(member->name));
    return result;
  }
  [[nodiscard]] std::string path_of(const char* name) const {
    return path_.empty() ? name : path_ + "." + name;
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  const rapidjson::Value* object_;
  std::string path_;
};

}  // namespace blobvalet
