#include "core/hook_answer.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "core/nested_params.hpp"
#include "core/utf8.hpp"

namespace blobvalet {
namespace {

using Json = rapidjson::Value;

std::string_view text_of(const Json& value) {
  return {value.GetString(), value.GetStringLength()};
}

/// True if `value` nests at most `depth` levels, all its texts are UTF-8 and its numbers finite: `\udc00` and
/// 11e308 pass the parser.
bool is_sound(const Json& value, int depth) {
  if (value.IsString()) return is_utf8(text_of(value));
  if (value.IsNumber()) return std::isfinite(value.GetDouble());
  if (!value.IsArray() && !value.IsObject()) return true;
  if (depth == 0) return false;
  if (value.IsArray()) {
    return std::ranges::all_of(value.GetArray(), [=](const Json& item) { return is_sound(item, depth - 1); });
  }
  return std::ranges::all_of(value.GetObject(), [=](const auto& member) {
    return is_sound(member.name, depth) && is_sound(member.value, depth - 1);
  });
}

/// Removes what pollutes prototypes and what comes twice. `parent` is the name that `value` has.
void clean(Json& value, std::string_view parent) {
  if (value.IsArray()) {
    for (Json& item : value.GetArray())
      clean(item, {});
  }
  if (!value.IsObject()) return;
  std::set<std::string, std::less<>> seen;
  // RapidJSON's iterators have a != that clang takes for ambiguous in C++20.
  for (auto member = value.MemberBegin(); value.MemberEnd() - member > 0;) {
    const std::string name(text_of(member->name));
    if (pollutes_prototypes(parent, name) || !seen.insert(name).second) {
      member = value.EraseMember(member);
    } else {
      clean(member->value, name);
      ++member;
    }
  }
}

bool is_ours(std::string_view name, bool with_properties) {
  constexpr std::array<std::string_view, 3> kAlways{"success", "code", "verified"};
  constexpr std::array<std::string_view, 4> kProperties{"size", "content_type", "etag", "last_modified"};
  return std::ranges::find(kAlways, name) != kAlways.end() ||
         (with_properties && std::ranges::find(kProperties, name) != kProperties.end());
}

/// As Fine Uploader judges it: null, false, 0 and the empty text are no error.
std::string error_text(const Json& value) {
  const bool none = value.IsNull() || value.IsFalse() || (value.IsNumber() && value.GetDouble() == 0);
  if (none) return {};
  return value.IsString() ? std::string(text_of(value)) : "The application refused the upload.";
}

void append_member(std::string& out, std::string_view name, const Json& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  out.append(",").append(json_string(name)).append(":").append(buffer.GetString(), buffer.GetSize());
}

/// Takes one member in.
void take(HookAnswer& answer, std::string_view name, const Json& value) {
  if (name == "error") {
    answer.error = error_text(value);
  } else if (name == "preventRetry") {
    answer.keeps_retry = value.IsFalse();
  } else if (name == "reset") {
    answer.reset = value.IsTrue();
  } else if (name == "thumbnailUrl") {
    if (value.IsString()) answer.thumbnail_url = text_of(value);
  } else {
    append_member(answer.members, name, value);
  }
}

}  // namespace

std::optional<HookAnswer> HookAnswer::parse(std::string_view json, bool with_properties) {
  // Not with full precision: that code takes 0e308 for another number. Without it, numbers of up to 15 digits
  // and 1e-22 to 1e22 are exact.
  constexpr unsigned kFlags = rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;
  // The parser would take a NUL for the end.
  if (json.find('\0') != std::string_view::npos) return std::nullopt;
  rapidjson::Document document;
  document.Parse<kFlags>(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject() || !is_sound(document, kMaxDepth)) return std::nullopt;
  clean(document, {});
  HookAnswer answer;
  for (auto member = document.MemberBegin(); document.MemberEnd() - member > 0; ++member) {
    const std::string_view name = text_of(member->name);
    if (name == "success" && member->value.IsFalse()) answer.success = false;
    if (!is_ours(name, with_properties)) take(answer, name, member->value);
  }
  answer.success = answer.success && answer.error.empty();
  return answer;
}

std::string json_string(std::string_view text) {
  if (!is_utf8(text)) return json_string(ascii_only(text));
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace blobvalet
