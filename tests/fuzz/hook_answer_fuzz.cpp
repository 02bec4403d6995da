// What the application says: whatever of it reaches the browser is well-formed, in UTF-8, and neither ours
// nor a way to a prototype.
#include <rapidjson/document.h>

#include "core/hook_answer.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/json.hpp"
#include "tests/fuzz/property.hpp"

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

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  std::string_view json = fuzz::as_text(data, size);
  const bool with_properties = fuzz::take_choice(json) % 2 == 1;
  if (const auto answer = HookAnswer::parse(json, with_properties))
    fuzz::check_answer(*answer, with_properties);
  return 0;
}
