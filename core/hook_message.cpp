#include "core/hook_message.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "core/hexadecimal.hpp"
#include "core/sha256.hpp"
#include "core/utf8.hpp"

namespace blobvalet {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void text(Writer& json, std::string_view name, std::string_view value) {
  // A stored Content-Type, and the name of a user whom no pattern asks for, may hold any bytes.
  if (!is_utf8(value)) return text(json, name, ascii_only(value));
  json.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
  json.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}

/// The half of the message that decides its id.
void write_identity(Writer& json, const HookFacts& facts) {
  text(json, "event", facts.event);
  text(json, "user", facts.user);
  text(json, "account", facts.account);
  text(json, "container", facts.container);
  text(json, "blob", facts.blob);
  text(json, "uuid", facts.uuid);
  text(json, "name", facts.name);
  json.Key("params");
  json.RawValue(facts.params_json.data(), facts.params_json.size(), rapidjson::kObjectType);
  json.Key("verified");
  json.Bool(facts.properties != nullptr);
  if (facts.properties == nullptr) return;
  json.Key("size");
  json.Uint64(facts.properties->size_bytes);
  text(json, "content_type", facts.properties->content_type);
  text(json, "etag", facts.properties->etag);
  text(json, "last_modified", facts.properties->last_modified);
}

std::string id_of(const HookFacts& facts) {
  rapidjson::StringBuffer buffer;
  Writer json(buffer);
  json.StartObject();
  write_identity(json, facts);
  // Two deletions of one name are two events.
  if (facts.event == "delete_granted") text(json, "request_id", facts.request_id);
  json.EndObject();
  constexpr std::size_t kIdDigits = 32;
  return sha256_hex({buffer.GetString(), buffer.GetSize()}).substr(0, kIdDigits);
}

}  // namespace

NewEvent hook_message(const HookFacts& facts) {
  NewEvent message;
  message.id = id_of(facts);
  message.subject.append(facts.account).append("/").append(facts.container).append("/").append(facts.blob);
  rapidjson::StringBuffer buffer;
  Writer json(buffer);
  json.StartObject();
  text(json, "id", message.id);
  text(json, "time", UtcText(facts.time).view());
  text(json, "request_id", facts.request_id);
  text(json, "url", facts.url);
  write_identity(json, facts);
  json.EndObject();
  message.body.assign(buffer.GetString(), buffer.GetSize());
  return message;
}

std::string hook_signature(HmacSha256& secret, UtcSeconds now, std::string_view body) {
  const std::string time = std::to_string(now.time_since_epoch().count());
  return "t=" + time + ",v1=" + hexadecimal(secret(time + "." + std::string(body)));
}

}  // namespace blobvalet
