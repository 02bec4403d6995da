// What token services and storage accounts answer: a token can stand in a header and is good for a while, a
// key is good now and for no longer than was asked, and a refusal's text can be shown to anyone.
#include <rapidjson/document.h>

#include <algorithm>

#include "core/delegation_key_client.hpp"
#include "core/token_answer.hpp"
#include "tests/fuzz/property.hpp"

namespace blobvalet::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr UtcSeconds kNow = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1) + 12h;
constexpr TimeSpan kWanted{kNow - 15min, kNow + std::chrono::days(3)};
constexpr std::string_view kSecret = "Q8xyz~.Abc_defg-hij";

bool shows(std::string_view text, char least) {
  return std::ranges::all_of(text, [=](char c) { return c >= least && c < 0x7f; });
}

bool is_hexadecimal(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF-") == std::string_view::npos;
}

/// As another parser reads it.
std::string token_in(const std::string& json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  require(!document.HasParseError() && document.IsObject(), "an answer with a token is JSON");
  require(document.HasMember("access_token") && document["access_token"].IsString(), "which says the token");
  return {document["access_token"].GetString(), document["access_token"].GetStringLength()};
}

void check_token(std::string json) {
  const std::string answer = json;
  const auto token = read_token(json, kNow);
  require(json.empty(), "the answer is wiped");
  if (!token) return;
  require(token->text.size() > 0 && shows(reveal_text(token->text), '!'), "a token goes into a header");
  require(reveal_text(token->text) == token_in(answer), "and is the one that was given");
  require(token->expiry > kNow && token->expiry <= kNow + std::chrono::days(366),
          "a token lives for a while");
  require(token->refresh_at > kNow || token->expiry == kNow + 1s, "no new token is due at once");
  require(token->refresh_at >= kNow && token->refresh_at <= token->expiry, "a new token is due in time");
}

void check_refusal(std::string json) {
  const std::string text = refusal_text(json, kSecret);
  require(json.empty(), "the answer is wiped");
  require(shows(text, ' '), "a reason is printable");
  require(text.size() <= 64 + 2 + 200, "a reason is short");
  require(text.find(kSecret.substr(0, 8)) == std::string::npos, "a reason shows no secret");
}

void check_key(std::string xml) {
  const auto key = read_delegation_key(xml, kWanted, kNow);
  require(xml.empty(), "the answer is wiped");
  if (!key) {
    require(shows(key.error(), ' '), "a reason is printable");
    return;
  }
  require(is_hexadecimal(key->object_id) && is_hexadecimal(key->tenant_id), "ids are hexadecimal");
  require(key->service == "b" && parse_date(key->version).has_value(), "service and version");
  require(UtcText(key->not_before).view() == key->start && UtcText(key->not_after).view() == key->expiry,
          "times are those of the texts");
  require(key->not_before >= kWanted.start && key->not_before <= kNow, "valid already");
  require(key->not_after <= kWanted.expiry && key->not_after > kNow, "still valid, and not for too long");
  require(key->value.size() >= 16 && key->value.size() <= 64, "a value of this size");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  std::string_view input = fuzz::as_text(data, size);
  switch (fuzz::take_choice(input) % 3) {
    case 0: fuzz::check_token(std::string(input)); break;
    case 1: fuzz::check_refusal(std::string(input)); break;
    default: fuzz::check_key(std::string(input)); break;
  }
  return 0;
}
