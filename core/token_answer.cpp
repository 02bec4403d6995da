#include "core/token_answer.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/ascii.hpp"
#include "core/utf8.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;

/// Reads an object in place: all texts are views into `json`, nothing is copied.
bool parse_object(rapidjson::Document& document, std::string& json) {
  // The parser would take a NUL for the end; and where it checks UTF-8 in place, it reads beyond the end of
  // a text that ends within a character.
  if (json.find('\0') != std::string::npos || !is_utf8(json)) return false;
  const std::size_t byte_order_mark = json.starts_with("\xef\xbb\xbf") ? 3 : 0;
  document.ParseInsitu<rapidjson::kParseIterativeFlag>(json.data() + byte_order_mark);
  return !document.HasParseError() && document.IsObject();
}

/// The text of a member; empty if there is none.
std::string_view text_of(const rapidjson::Document& object, const char* name) {
  const auto member = object.FindMember(name);
  if (object.MemberEnd() - member <= 0 || !member->value.IsString()) return {};
  return {member->value.GetString(), member->value.GetStringLength()};
}

/// A member in whole seconds, as a number or as a decimal text; nothing if it is neither, negative, or of
/// more than twelve digits.
std::optional<seconds> seconds_of(const rapidjson::Value& value) {
  constexpr std::uint64_t kMost = 999'999'999'999;
  std::uint64_t number = 0;
  if (value.IsUint64()) {
    number = value.GetUint64();
  } else if (value.IsString()) {
    const char* end = value.GetString() + value.GetStringLength();
    const auto [rest, error] = std::from_chars(value.GetString(), end, number);
    if (error != std::errc{} || rest != end) return std::nullopt;
  } else {
    return std::nullopt;
  }
  return number <= kMost ? std::optional(seconds(number)) : std::nullopt;
}

std::optional<seconds> seconds_of(const rapidjson::Document& object, const char* name) {
  const auto member = object.FindMember(name);
  return object.MemberEnd() - member > 0 ? seconds_of(member->value) : std::nullopt;
}

bool has(const rapidjson::Document& object, const char* name) {
  const auto member = object.FindMember(name);
  return object.MemberEnd() - member > 0 && !member->value.IsNull();
}

/// How long the token lives from now on. Seconds to go come first, since they hold for a wrong clock, too.
tl::expected<seconds, StaticText> life_of(const rapidjson::Document& answer, UtcSeconds now) {
  constexpr seconds kLongest = std::chrono::days(366);
  std::optional<seconds> life;
  if (has(answer, "expires_in")) {
    life = seconds_of(answer, "expires_in");
  } else if (has(answer, "expires_on")) {
    if (const auto expiry = seconds_of(answer, "expires_on")) life = *expiry - now.time_since_epoch();
  } else {
    return tl::unexpected<StaticText>("does not say when its token expires");
  }
  if (!life || *life > kLongest) return tl::unexpected<StaticText>("gave a token whose expiry is no time");
  if (*life <= seconds(0)) return tl::unexpected<StaticText>("gave a token that has expired already");
  return *life;
}

/// When the next token is due, counted from now.
seconds refresh_of(const rapidjson::Document& answer, seconds life) {
  const auto told = seconds_of(answer, "refresh_in");
  if (told && *told > seconds(0) && *told < life) return *told;
  if (life >= std::chrono::hours(2)) return life / 2;
  return life - std::min(seconds(std::chrono::minutes(5)), life / 2);
}

SecretBytes copy_of(std::string_view text) {
  SecretBytes copy(text.size());
  std::ranges::copy(text, copy.reveal_mutable().begin());
  return copy;
}

bool is_error_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

/// True if `text` holds eight characters in a row of `secret`, or the whole of a shorter one.
bool repeats(std::string_view text, std::string_view secret) {
  constexpr std::size_t kRun = 8;
  if (secret.empty()) return false;
  if (secret.size() < kRun) return text.find(secret) != std::string_view::npos;
  for (std::size_t i = 0; i + kRun <= text.size(); ++i) {
    if (secret.find(text.substr(i, kRun)) != std::string_view::npos) return true;
  }
  return false;
}

/// What may be shown of a description. Entra's name tenants, applications and certificates, which is fine.
std::string description_of(const rapidjson::Document& answer, std::string_view secret) {
  std::string_view text = text_of(answer, "error_description");
  if (text.empty()) text = text_of(answer, "message");
  std::string line = first_line(text);
  // JSON Web Tokens begin so.
  if (line.find("eyJ") != std::string::npos || repeats(line, secret)) return {};
  return line;
}

}  // namespace

tl::expected<AccessToken, StaticText> read_token(std::string& json, UtcSeconds now) {
  const Wiper wiper(json);
  rapidjson::Document answer;
  if (!parse_object(answer, json)) return tl::unexpected<StaticText>("gave an answer that is no JSON object");
  const std::string_view text = text_of(answer, "access_token");
  if (text.empty()) return tl::unexpected<StaticText>("gave an answer without a token");
  if (!is_printable(text)) return tl::unexpected<StaticText>("gave a token that is not printable ASCII");
  if (has(answer, "token_type") && lower_case(text_of(answer, "token_type")) != "bearer") {
    return tl::unexpected<StaticText>("gave a token that is no bearer token");
  }
  const auto life = life_of(answer, now);
  if (!life) return tl::unexpected(life.error());
  return AccessToken{copy_of(text), now + *life, now + refresh_of(answer, *life)};
}

std::string refusal_text(std::string& json, std::string_view secret) {
  const Wiper wiper(json);
  rapidjson::Document answer;
  if (!parse_object(answer, json)) return {};
  const std::string_view name = text_of(answer, "error");
  std::string text(is_error_name(name) && !repeats(name, secret) ? name : "");
  const std::string description = description_of(answer, secret);
  if (!text.empty() && !description.empty()) text.append(": ");
  return text.append(description);
}

}  // namespace blobvalet
