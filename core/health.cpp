#include "core/health.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "core/sas_signers.hpp"
#include "core/version.hpp"

namespace blobvalet {
namespace {

bool has_identities(const Site& site) {
  return std::ranges::any_of(site.accounts(), [](const Account& a) { return a.identity.has_value(); });
}

std::string reason_for(const KeyStatus* status, const std::string& account) {
  if (status == nullptr) return {};
  const auto failure = std::ranges::find(status->failures, account, &KeyStatus::Failure::account);
  return failure == status->failures.end() ? std::string() : failure->reason;
}

void look_at_keys(Health& health, const Site& site, const KeyStatus* status, UtcSeconds now) {
  for (std::size_t i = 0; i < site.accounts().size(); ++i) {
    const std::string& account = site.accounts()[i].name;
    const StaticText objection = why_unusable(site.signing_keys()[i].get(), now);
    const std::string reason = reason_for(status, account);
    health.is_red |= !objection.empty();
    if (!objection.empty()) health.problems.push_back(account + ": " + std::string(objection.view()));
    if (!reason.empty()) health.problems.push_back(account + ": cannot renew its key: " + reason);
  }
}

void look_at_clock(Health& health, const Site& site, const KeyStatus& status) {
  if (!status.clock_skew) return;
  const auto skew = *status.clock_skew;
  if (std::chrono::abs(skew) <= site.key_options().max_clock_skew) return;
  health.is_red = true;
  health.problems.push_back("clock: this machine is " + std::to_string(std::chrono::abs(skew).count()) +
                            " s " + (skew.count() > 0 ? "ahead of" : "behind") + " Azure");
}

}  // namespace

Health Health::assess(const Site& site, const WorkerState* state, UtcSeconds now) {
  Health health;
  const auto status = state == nullptr ? std::nullopt : state->key_status();
  look_at_keys(health, site, status ? &*status : nullptr, now);
  const bool silent = !status || status->is_stale(now);
  // The clock may have been set since.
  if (!silent) look_at_clock(health, site, *status);
  if (state != nullptr && silent && has_identities(site))
    health.problems.emplace_back("keys: blobvalet keys renew does not run, so nobody renews keys");
  const std::string fault = state == nullptr ? std::string() : state->reload_fault();
  if (!fault.empty()) health.problems.push_back("configuration: the old one is in use: " + fault);
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
