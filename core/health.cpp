#include "core/health.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "core/checks.hpp"
#include "core/version.hpp"

namespace blobvalet {
Health Health::assess(const Site& site, const WorkerState* state, UtcSeconds now) {
  const auto checks = check_everything(site, state, now);
  Health health;
  health.is_red = is_any_failing(checks);
  for (const Check& check : checks) {
    if (check.level == Check::Level::ok || check.level == Check::Level::unknown) continue;
    // What is said of an account's keys names the account.
    const bool names_itself = check.name == "keys" && check.reason.find(": ") != std::string::npos;
    health.problems.push_back((names_itself ? "" : std::string(check.name) + ": ") + check.reason);
  }
  return health;
}

std::string Health::to_json(const Site& site) const {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>> writer(buffer);
  const auto text = [&](std::string_view value) {
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  writer.StartObject();
  writer.Key("status");
  text(is_red ? "failing" : problems.empty() ? "ok" : "warning");
  writer.Key("version");
  text(kVersion);
  writer.Key("configuration");
  text(site.revision());
  writer.Key("problems");
  writer.StartArray();
  for (const std::string& problem : problems)
    text(problem);
  writer.EndArray();
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace blobvalet
