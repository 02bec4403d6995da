#include "core/nested_params.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <span>

namespace blobvalet {
namespace {

using Json = rapidjson::Value;

rapidjson::Value::StringRefType borrowed(std::string_view text) {
  return {text.data(), static_cast<rapidjson::SizeType>(text.size())};
}

/// `a[b][c]` as its parts; the form's parser has checked the brackets.
std::vector<std::string_view> path_of(std::string_view key) {
  std::vector<std::string_view> path;
  std::size_t end = std::min(key.find('['), key.size());
  path.push_back(key.substr(0, end));
  while (end < key.size()) {
    const std::size_t close = key.find(']', end);
    path.push_back(key.substr(end + 1, close - end - 1));
    end = close + 1;
  }
  return path;
}

bool pollutes(std::span<const std::string_view> path) {
  std::string_view parent;
  return std::ranges::any_of(
      path, [&](std::string_view name) { return pollutes_prototypes(std::exchange(parent, name), name); });
}

}  // namespace

bool pollutes_prototypes(std::string_view parent, std::string_view name) {
  return name == "__proto__" || (parent == "constructor" && name == "prototype");
}

Result<std::string> nested_json(const std::vector<std::pair<std::string, std::string>>& params) {
  rapidjson::Document document(rapidjson::kObjectType);
  auto& allocator = document.GetAllocator();
  for (const auto& [key, value] : params) {
    const auto path = path_of(key);
    if (pollutes(path)) continue;
    Json* object = &document;
    for (const std::string_view name : std::span(path).first(path.size() - 1)) {
      const auto member = object->FindMember(Json(borrowed(name)));
      // RapidJSON's iterators have a == that clang takes for ambiguous in C++20.
      if (object->MemberEnd() - member == 0) {
        object->AddMember(borrowed(name), Json(rapidjson::kObjectType), allocator);
        object = &(object->MemberEnd() - 1)->value;
      } else {
        object = &member->value;
      }
      if (!object->IsObject()) break;
    }
    if (!object->IsObject() || object->HasMember(Json(borrowed(path.back())))) {
      return refuse(Errc::bad_request, "body", "has a key both as a value and as an object");
    }
    object->AddMember(borrowed(path.back()), Json(borrowed(value)), allocator);
  }
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  document.Accept(writer);
  return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace blobvalet
