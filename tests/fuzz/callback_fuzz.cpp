// What the application is told of a callback's parameters: an object in UTF-8 with the parameters that were
// sent, and no way to a prototype; or a refusal.
#include <rapidjson/document.h>

#include "core/nested_params.hpp"
#include "core/upload_success.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/json.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::vector<std::string> path_of(const std::string& key) {
  std::vector<std::string> path = split(key, '[');
  for (std::size_t i = 1; i < path.size(); ++i)
    path[i].pop_back();
  return path;
}

bool is_dangerous(const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == "__proto__") return true;
    if (i > 0 && path[i - 1] == "constructor" && path[i] == "prototype") return true;
  }
  return false;
}

/// True if following `path` ends at `value`.
bool holds(const rapidjson::Value& root, const std::vector<std::string>& path, const std::string& value) {
  const rapidjson::Value* place = &root;
  for (const std::string& name : path) {
    if (!place->IsObject()) return false;
    const auto member = place->FindMember(
        rapidjson::Value(rapidjson::StringRef(name.data(), static_cast<rapidjson::SizeType>(name.size()))));
    if (member == place->MemberEnd()) return false;
    place = &member->value;
  }
  return place->IsString() && std::string(place->GetString(), place->GetStringLength()) == value;
}

std::size_t count_texts(const rapidjson::Value& value) {
  if (value.IsString()) return 1;
  std::size_t count = 0;
  for (const auto& member : value.GetObject())
    count += count_texts(member.value);
  return count;
}

void check_nested(const Pairs& params, const std::string& json) {
  require(is_utf8(json), "UTF-8");
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  require(!document.HasParseError() && document.IsObject(), "a JSON object");
  require(is_clean_json(document, ""), "no way to a prototype, and no name twice");
  std::size_t expected = 0;
  for (const auto& [key, value] : params) {
    const auto path = path_of(key);
    if (is_dangerous(path)) continue;
    ++expected;
    require(holds(document, path, value), "every other parameter is where its key says");
  }
  require(count_texts(document) == expected, "and nothing else is there");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  const auto upload = UploadSuccess::parse(fuzz::as_text(data, size), FormLimits{});
  if (!upload) return 0;
  const auto json = nested_json(upload->params);
  if (json) {
    fuzz::check_nested(upload->params, *json);
  } else {
    fuzz::require(json.error().errc == Errc::bad_request, "a contradiction is a bad request");
  }
  return 0;
}
