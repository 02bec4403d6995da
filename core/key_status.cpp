#include "core/key_status.hpp"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "core/object_reader.hpp"

namespace blobvalet {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void put(Writer& writer, const char* name, std::string_view text) {
  writer.Key(name);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void put(Writer& writer, const KeyStatus::Failure& failure) {
  writer.StartObject();
  put(writer, "account", failure.account);
  put(writer, "reason", failure.reason);
  put(writer, "since", UtcText(failure.since).view());
  writer.EndObject();
}

void put(Writer& writer, const char* name, const std::vector<KeyStatus::Failure>& failures) {
  writer.Key(name);
  writer.StartArray();
  for (const KeyStatus::Failure& failure : failures)
    put(writer, failure);
  writer.EndArray();
}

std::optional<UtcSeconds> time_in(const ObjectReader& object, const char* name) {
  return parse_utc(object.text(name).value_or(""));
}

std::optional<KeyStatus::Failure> read_failure(const ObjectReader& object) {
  const auto account = object.text("account");
  const auto reason = object.text("reason");
  const auto since = time_in(object, "since");
  if (!account || !reason || !since) return std::nullopt;
  return KeyStatus::Failure{*account, *reason, *since};
}

std::optional<std::vector<KeyStatus::Failure>> read_failures(const ObjectReader& object, const char* name) {
  std::vector<KeyStatus::Failure> failures;
  for (const ObjectReader& item : object.objects(name)) {
    auto failure = read_failure(item);
    if (!failure) return std::nullopt;
    failures.push_back(std::move(*failure));
  }
  return failures;
}

}  // namespace

const KeyStatus::Failure* KeyStatus::why_unreachable(std::string_view account) const {
  if (!unreachable) return nullptr;
  const auto found = std::ranges::find(*unreachable, account, &Failure::account);
  return found == unreachable->end() ? nullptr : &*found;
}

bool KeyStatus::is_stale(UtcSeconds now) const {
  constexpr std::chrono::minutes kSilence{5};
  return std::chrono::abs(now - written) > kSilence;
}

std::string KeyStatus::to_json() const {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  put(writer, "time", UtcText(written).view());
  if (clock_skew) {
    writer.Key("clock_skew_seconds");
    writer.Int64(clock_skew->count());
  }
  put(writer, "failures", failures);
  if (unreachable) put(writer, "unreachable", *unreachable);
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::optional<KeyStatus> KeyStatus::parse(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  if (document.HasParseError()) return std::nullopt;
  const ObjectReader object(&document, "");
  const auto written = time_in(object, "time");
  if (!written) return std::nullopt;
  KeyStatus status;
  status.written = *written;
  const auto* skew = object.member("clock_skew_seconds");
  if (skew != nullptr && skew->IsInt64()) status.clock_skew = std::chrono::seconds(skew->GetInt64());
  auto failures = read_failures(object, "failures");
  if (!failures) return std::nullopt;
  status.failures = std::move(*failures);
  if (object.member("unreachable") != nullptr) {
    status.unreachable = read_failures(object, "unreachable");
    if (!status.unreachable) return std::nullopt;
  }
  return status;
}

}  // namespace blobvalet
