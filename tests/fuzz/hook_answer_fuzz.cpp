// What the application says: whatever of it reaches the browser is well-formed, in UTF-8, and neither ours
// nor a way to a prototype. Built of the input's lines, an answer says what they say.
#include <rapidjson/document.h>

#include <algorithm>

#include "core/hook_answer.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/json.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {
namespace {

void check_ours(const rapidjson::Document& answer, bool with_properties) {
  for (const char* name : {"success", "error", "code", "verified", "preventRetry", "reset", "thumbnailUrl"})
    require(!answer.HasMember(name), "none of our keys");
  for (const char* name : {"size", "content_type", "etag", "last_modified"})
    require(!with_properties || !answer.HasMember(name), "none of our properties");
}

void check_text(const std::string& text) {
  require(is_utf8(text), "UTF-8");
  const std::string json = json_string(text);
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  require(document.IsString() && std::string(document.GetString(), document.GetStringLength()) == text,
          "a text is written so that it reads the same");
}

void check_answer(const HookAnswer& answer, bool with_properties) {
  require(answer.members.empty() || answer.members.front() == ',', "members stand behind a comma");
  const std::string wrapped = "{\"first\\u0000first\":1" + answer.members + "}";
  require(is_utf8(wrapped), "UTF-8");
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(wrapped.data(), wrapped.size());
  require(!document.HasParseError() && document.IsObject(), "valid JSON when wrapped");
  require(wrapped.find('\0') == std::string::npos, "no NUL that would hide the rest");
  require(is_clean_json(document, ""), "no way to a prototype, and no name twice");
  check_ours(document, with_properties);
  check_text(answer.error);
  check_text(answer.thumbnail_url);
  require(answer.error.empty() || !answer.success, "an error is no success");

  // Numbers of many digits or large exponents may come out a little different, so only the shape can be
  // compared.
  const std::string alone = "{" + answer.members.substr(answer.members.empty() ? 0 : 1) + "}";
  require(HookAnswer::parse(alone, with_properties).has_value(), "what was cleaned is clean");
}

/// A JSON text with everything beyond printable ASCII, and all that JSON minds, as `\u00e9`.
std::string written(const std::string& text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte >= ' ' && byte < 0x7f && c != '"' && c != '\\';
    out += plain ? std::string(1, c) : std::string("\\u00") + kHex[byte / 16] + kHex[byte % 16];
  }
  return out + "\"";
}

/// What written() says, in UTF-8: its bytes are those of Latin-1.
std::string meant(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) out += static_cast<char>(0xc0 + byte / 64);
    out += static_cast<char>(byte >= 0x80 ? 0x80 + byte % 64 : byte);
  }
  return out;
}

/// An answer that is built of the input's lines says what they say. The first one holds letters: f: no
/// success; e: with an error; r: reset; k: keeps retrying; t: with a thumbnail.
void check_built(const std::vector<std::string>& lines, bool with_properties) {
  const auto has = [&](char letter) { return lines[0].find(letter) != std::string::npos; };
  std::string json = "{\"code\":1";
  if (has('f')) json += ",\"success\":false";
  if (has('e')) json += ",\"error\":" + written(lines[1]);
  if (has('r')) json += ",\"reset\":true";
  if (has('k')) json += ",\"preventRetry\":false";
  if (has('t')) json += ",\"thumbnailUrl\":" + written(lines[2]);
  // No name of ours begins with x, so that every member comes back.
  std::size_t members = 0;
  for (std::size_t i = 3; i + 1 < lines.size(); i += 2, ++members)
    json += ",\"x" + std::to_string(i) + "\":" + written(lines[i]);
  const auto answer = HookAnswer::parse(json + "}", with_properties);
  require(answer.has_value(), "it is an answer");
  const std::string error = has('e') ? meant(lines[1]) : "";
  require(answer->success == (!has('f') && error.empty()), "success comes back");
  require(answer->error == error, "the error comes back");
  require(answer->reset == has('r') && answer->keeps_retry == has('k'), "reset and preventRetry come back");
  require(answer->thumbnail_url == (has('t') ? meant(lines[2]) : ""), "the thumbnail comes back");
  rapidjson::Document document;
  document.Parse(("{" + answer->members.substr(answer->members.empty() ? 0 : 1) + "}").c_str());
  require(document.IsObject() && document.MemberCount() == members, "all other members come back");
  for (std::size_t i = 3; i + 1 < lines.size(); i += 2) {
    const auto& value = document[("x" + std::to_string(i)).c_str()];
    require(value.IsString() && std::string(value.GetString(), value.GetStringLength()) == meant(lines[i]),
            "with their values");
  }
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  std::string_view json = fuzz::as_text(data, size);
  const unsigned choice = fuzz::take_choice(json);
  const bool with_properties = choice % 2 == 1;
  if (choice % 4 >= 2) {
    auto lines = fuzz::split(json, '\n');
    lines.resize(std::max<std::size_t>(lines.size(), 3));
    fuzz::check_built(lines, with_properties);
    return 0;
  }
  if (const auto answer = HookAnswer::parse(json, with_properties))
    fuzz::check_answer(*answer, with_properties);
  return 0;
}
