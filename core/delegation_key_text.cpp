#include "core/delegation_key_text.hpp"

#include <algorithm>
#include <array>

#include "core/base64.hpp"

namespace blobvalet {
namespace {

constexpr std::string_view kFirstLine = "blobvalet-user-delegation-key 1";

/// The members that are no secret, by the names that a SAS gives them.
struct Member {
  std::string_view name;
  std::string UserDelegationKey::*text;
};
constexpr std::array<Member, 6> kMembers{{{"skoid", &UserDelegationKey::object_id},
                                          {"sktid", &UserDelegationKey::tenant_id},
                                          {"skt", &UserDelegationKey::start},
                                          {"ske", &UserDelegationKey::expiry},
                                          {"sks", &UserDelegationKey::service},
                                          {"skv", &UserDelegationKey::version}}};

/// Takes the next line off `text`.
std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

/// The value of the next line, which has to be that of `name`.
std::optional<std::string_view> next_value(std::string_view& text, std::string_view name) {
  const std::string_view line = next_line(text);
  if (!line.starts_with(name) || line.substr(name.size(), 1) != " ") return std::nullopt;
  const std::string_view value = line.substr(name.size() + 1);
  return value.empty() ? std::nullopt : std::optional(value);
}

bool read_window(UserDelegationKey& key) {
  const auto start = parse_utc(key.start);
  const auto expiry = parse_utc(key.expiry);
  if (!start || !expiry || *expiry <= *start) return false;
  key.not_before = *start;
  key.not_after = *expiry;
  return true;
}

}  // namespace

SecretBytes delegation_key_text(const UserDelegationKey& key, std::string_view origin) {
  std::string head(kFirstLine);
  head.append("\norigin ").append(origin).append("\n");
  for (const Member& member : kMembers)
    head.append(member.name).append(" ").append(key.*member.text).append("\n");
  head.append("value ");
  const SecretBytes value = encode_base64(key.value);
  SecretBytes text(head.size() + value.size() + 1);
  const auto after_head = std::ranges::copy(head, text.reveal_mutable().begin()).out;
  *std::ranges::copy(value.reveal(), after_head).out = '\n';
  return text;
}

std::optional<DelegationKeyText> DelegationKeyText::parse(std::string_view text) {
  DelegationKeyText result;
  // Without its end it is a part of a key: base64 that is cut short may be base64, too.
  if (!text.ends_with('\n') || next_line(text) != kFirstLine) return std::nullopt;
  const auto origin = next_value(text, "origin");
  if (!origin) return std::nullopt;
  result.origin = *origin;
  for (const Member& member : kMembers) {
    const auto value = next_value(text, member.name);
    if (!value) return std::nullopt;
    result.key.*member.text = *value;
  }
  const auto value = next_value(text, "value");
  auto bytes = value ? decode_base64(*value) : std::nullopt;
  if (!bytes || bytes->size() < 16 || !text.empty() || !read_window(result.key)) return std::nullopt;
  result.key.value = std::move(*bytes);
  return result;
}

}  // namespace blobvalet
