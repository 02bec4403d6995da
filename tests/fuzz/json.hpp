#pragma once
#include <rapidjson/document.h>

#include <algorithm>
#include <set>
#include <string>

namespace blobvalet::fuzz {

/// True if no object in `value`, which stands under `parent`, has a name twice or one that reaches a
/// prototype once JavaScript code copies it.
inline bool is_clean_json(const rapidjson::Value& value, const std::string& parent) {
  if (value.IsArray()) {
    return std::ranges::all_of(value.GetArray(),
                               [](const rapidjson::Value& item) { return is_clean_json(item, ""); });
  }
  if (!value.IsObject()) return true;
  std::set<std::string> seen;
  return std::ranges::all_of(value.GetObject(), [&](const auto& member) {
    const std::string name(member.name.GetString(), member.name.GetStringLength());
    const bool dangerous = name == "__proto__" || (parent == "constructor" && name == "prototype");
    return !dangerous && seen.insert(name).second && is_clean_json(member.value, name);
  });
}

}  // namespace blobvalet::fuzz
