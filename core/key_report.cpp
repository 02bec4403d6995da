#include "core/key_report.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <array>

namespace blobvalet {
namespace {

using std::chrono::seconds;
using Key = KeyReport::Key;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

constexpr seconds kReloadTime{2};
/// A clock's skew is known to the second only.
constexpr seconds kRounding{1};

std::string_view kind_of(const std::optional<KeySource>& source) {
  if (!source) return "identity";
  switch (source->kind) {
    case KeySource::Kind::file: return "file";
    case KeySource::Kind::environment: return "environment";
    case KeySource::Kind::credential: return "credential";
  }
  return "";
}

/// `2026-03-01T12:15:00Z (in 14 min 59 s)`
std::string describe_time(UtcSeconds time, UtcSeconds now) {
  std::string text(UtcText(time).view());
  return text.append(" (in ").append(describe(time - now)).append(")");
}

std::string signed_until_text(const Key& key, UtcSeconds now) {
  const auto& time = key.signed_until.time;
  if (!time || *time <= now) return "-";
  return (key.signed_until.is_bound ? "at most " : "") + describe_time(*time, now);
}

std::string verdict_text(const Key& key) {
  return key.verdict ? std::string(name_of(key.verdict->kind)) : "not asked";
}

using Row = std::array<std::string, 7>;

Row row_of(const Key& key, UtcSeconds now) {
  return {key.account,
          std::string(name_of(key.role)),
          key.fingerprint.empty() ? "none" : key.fingerprint,
          key.in_use ? "yes" : "no",
          describe(key.source),
          verdict_text(key),
          signed_until_text(key, now)};
}

std::string table_of(const std::vector<Row>& rows) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      widths.at(i) = std::max(widths.at(i), row.at(i).size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i)
      text.append(row.at(i)).append(widths.at(i) + 2 - row.at(i).size(), ' ');
    text.append(row.back()).append("\n");
  }
  return text;
}

/// What is wrong with a key, as sentences.
std::vector<std::string> problems_of(const Key& key, UtcSeconds now) {
  std::vector<std::string> problems;
  if (!key.fault.empty()) problems.push_back(key.fault);
  if (key.verdict && !key.verdict->reason.empty()) problems.push_back(key.verdict->reason);
  if (key.valid_until && *key.valid_until <= now) problems.emplace_back("has expired");
  if (!key.renewal_failure.empty()) problems.push_back("cannot be renewed: " + key.renewal_failure);
  return problems;
}

/// What an operator may do with the key that does not sign, and so with the one that does.
std::string next_step(const Key& used, const Key& spare, UtcSeconds now) {
  const std::string name(name_of(spare.role));
  std::string text = std::string(name_of(used.role)) + " signs; ";
  if (!spare.fingerprint.empty() && spare.fingerprint == used.fingerprint)
    return text + name + " is the same key: put the account's other key into its place";
  if (spare.regenerate_after && *spare.regenerate_after > now) {
    text.append(name).append(" must not be regenerated in Azure before ");
    return text.append(describe_time(*spare.regenerate_after, now));
  }
  text.append(name).append(" may be regenerated in Azure now");
  const bool works = spare.verdict && spare.verdict->kind == KeyVerdict::Kind::works;
  if (works) text.append(", or take over: blobvalet keys switch ").append(spare.account);
  return text;
}

void append_line(std::string& text, const std::string& about, const std::string& what) {
  text.append(about).append(": ").append(what).append("\n");
}

void put(Writer& writer, const char* name, std::string_view text) {
  writer.Key(name);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void put(Writer& writer, const char* name, bool value) {
  writer.Key(name);
  writer.Bool(value);
}

void put(Writer& writer, const char* name, const std::optional<UtcSeconds>& time) {
  if (time) return put(writer, name, UtcText(*time).view());
  writer.Key(name);
  writer.Null();
}

void put_if_any(Writer& writer, const char* name, std::string_view text) {
  if (!text.empty()) put(writer, name, text);
}

void put(Writer& writer, const Key& key) {
  writer.StartObject();
  put(writer, "account", key.account);
  put(writer, "key", code_of(key.role));
  put(writer, "in_use", key.in_use);
  put_if_any(writer, "fingerprint", key.fingerprint);
  put(writer, "source", kind_of(key.source));
  if (key.source) put(writer, "name", key.source->name);
  put_if_any(writer, "fault", key.fault);
  put(writer, "azure", key.verdict ? name_of(key.verdict->kind) : "not_asked");
  put_if_any(writer, "azure_reason", key.verdict ? key.verdict->reason : std::string());
  put(writer, "signed_until", key.signed_until.time);
  put(writer, "signed_until_is_bound", key.signed_until.is_bound);
  if (!key.in_use) put(writer, "regenerate_after", key.regenerate_after);
  if (!key.source) put(writer, "valid_until", key.valid_until);
  put_if_any(writer, "renewal_failure", key.renewal_failure);
  writer.EndObject();
}

std::optional<seconds> larger(std::optional<seconds> a, std::optional<seconds> b) {
  if (!a || !b) return a ? a : b;
  return std::chrono::abs(*b) > std::chrono::abs(*a) ? b : a;
}

}  // namespace

SignedUntil SignedUntil::from(std::optional<UtcSeconds> noted, std::optional<UtcSeconds> since,
                              seconds longest_sas, UtcSeconds now) {
  const UtcSeconds unknown_until = since.value_or(now) + longest_sas;
  if (unknown_until <= now || (noted && *noted >= unknown_until)) return {noted, false};
  return {unknown_until, true};
}

void KeyReport::conclude(std::optional<seconds> measured, UtcSeconds switched) {
  clock_skew = measured;
  for (const Key& key : keys)
    clock_skew = larger(clock_skew, key.verdict ? key.verdict->clock_skew : std::nullopt);
  const seconds azure_is_behind = std::max(clock_skew.value_or(seconds(0)), seconds(0));
  for (Key& key : keys) {
    if (key.in_use) continue;
    const UtcSeconds until = key.signed_until.time.value_or(UtcSeconds{});
    key.regenerate_after = std::max(until + azure_is_behind + kRounding, switched + kReloadTime);
  }
}

bool KeyReport::is_fine() const {
  return std::ranges::all_of(keys, [this](const Key& key) {
    if (!key.in_use) return true;
    if (key.fingerprint.empty() || (key.valid_until && *key.valid_until <= now)) return false;
    return !key.verdict || key.verdict->kind == KeyVerdict::Kind::works;
  });
}

std::string KeyReport::to_text() const {
  std::vector<Row> rows{{"account", "key", "fingerprint", "in use", "source", "Azure", "SAS until"}};
  for (const Key& key : keys)
    rows.push_back(row_of(key, now));
  std::string text = table_of(rows);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Key& key = keys[i];
    const std::string name = key.account + ": " + std::string(name_of(key.role));
    for (const std::string& problem : problems_of(key, now))
      append_line(text, name, problem);
    if (key.valid_until && *key.valid_until > now)
      append_line(text, name, "valid until " + describe_time(*key.valid_until, now));
    if (key.role != KeyRole::next) continue;
    const Key& current = keys[i - 1];
    append_line(text, key.account, key.in_use ? next_step(key, current, now) : next_step(current, key, now));
  }
  if (!has_ledger) append_line(text, "ledger", "none can be read here, so SAS may be valid as long as any");
  if (clock_skew && *clock_skew != seconds(0)) {
    const char* where = *clock_skew > seconds(0) ? " ahead of Azure" : " behind Azure";
    append_line(text, "clock", "this machine is " + describe(std::chrono::abs(*clock_skew)) + where);
  }
  return text;
}

std::string KeyReport::to_json() const {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  put(writer, "time", UtcText(now).view());
  if (clock_skew) {
    writer.Key("clock_skew_seconds");
    writer.Int64(clock_skew->count());
  }
  put(writer, "ledger", has_ledger);
  writer.Key("keys");
  writer.StartArray();
  for (const Key& key : keys)
    put(writer, key);
  writer.EndArray();
  writer.EndObject();
  return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::string describe(const std::optional<KeySource>& source) {
  std::string text(kind_of(source));
  return source ? text.append(" ").append(source->name) : text;
}

std::string describe(seconds duration) {
  struct Unit {
    std::int64_t seconds;
    const char* name;
  };
  static constexpr std::array<Unit, 4> kUnits{{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}}};
  std::int64_t rest = std::max<std::int64_t>(duration.count(), 0);
  std::string text;
  for (std::size_t i = 0, shown = 0; i < kUnits.size() && shown < 2; ++i) {
    const std::int64_t count = rest / kUnits.at(i).seconds;
    rest %= kUnits.at(i).seconds;
    if (count == 0 && shown == 0 && i + 1 < kUnits.size()) continue;
    if (count > 0 || shown == 0)
      text.append(text.empty() ? "" : " ").append(std::to_string(count)).append(kUnits.at(i).name);
    ++shown;
  }
  return text;
}

}  // namespace blobvalet
