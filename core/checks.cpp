#include "core/checks.hpp"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "core/sas_signers.hpp"
#include "core/version.hpp"

namespace blobvalet {
namespace {

using Level = Check::Level;
using Writer = rapidjson::Writer<rapidjson::StringBuffer, rapidjson::UTF8<>, rapidjson::UTF8<>>;

bool has_identities(const Site& site) {
  return std::ranges::any_of(site.accounts(), [](const Account& a) { return a.identity.has_value(); });
}

std::string reason_for(const KeyStatus* status, const std::string& account) {
  if (status == nullptr) return {};
  const auto failure = std::ranges::find(status->failures, account, &KeyStatus::Failure::account);
  return failure == status->failures.end() ? std::string() : failure->reason;
}

/// Looks at one thing after the other.
class Look {
 public:
  Look(const Site& site, const WorkerState* state, UtcSeconds now)
      : site_(site),
        state_(state),
        now_(now),
        status_(state == nullptr ? std::nullopt : state->key_status()) {}

  std::vector<Check> all() {
    look("configuration", [this] { configuration(); });
    look("keys", [this] { keys(); });
    look("clock", [this] { clock(); });
    look("azure", [this] { azure(); });
    look("metrics", [this] { metrics(); });
    return std::move(checks_);
  }

 private:
  /// What has nothing to say is well.
  template <class Do>
  void look(std::string_view name, Do what) {
    const std::size_t before = checks_.size();
    name_ = name;
    what();
    if (checks_.size() == before) add(Level::ok, {});
  }
  void add(Level level, std::string reason) { checks_.push_back({name_, level, std::move(reason)}); }

  [[nodiscard]] bool is_silent() const { return !status_ || status_->is_stale(now_); }

  void configuration() {
    const std::string fault = state_ == nullptr ? std::string() : state_->reload_fault();
    if (!fault.empty()) add(Level::warning, "the old one is in use: " + fault);
  }

  void keys() {
    for (std::size_t i = 0; i < site_.accounts().size(); ++i) {
      const std::string& account = site_.accounts()[i].name;
      const StaticText objection = why_unusable(site_.signing_keys()[i].get(), now_);
      const std::string reason = reason_for(status_ ? &*status_ : nullptr, account);
      if (!objection.empty()) add(Level::failing, account + ": " + std::string(objection.view()));
      if (!reason.empty())
        add(Level::warning, std::string(account).append(": cannot renew its key: ").append(reason));
    }
    if (state_ != nullptr && is_silent() && has_identities(site_))
      add(Level::warning, "blobvalet keys renew does not run, so nobody renews keys");
  }

  void clock() {
    // What was true long ago may have been mended since.
    if (is_silent() || !status_->clock_skew)
      return add(Level::unknown, "nobody has compared it with Azure's");
    const auto skew = *status_->clock_skew;
    if (std::chrono::abs(skew) <= site_.key_options().max_clock_skew) return;
    add(Level::failing, "this machine is " + std::to_string(std::chrono::abs(skew).count()) + " s " +
                            (skew.count() > 0 ? "ahead of" : "behind") + " Azure");
  }

  void azure() {
    if (is_silent() || !status_->unreachable) return add(Level::unknown, "nobody has asked it");
    for (std::size_t i = 0; i < site_.accounts().size(); ++i) {
      const std::string& account = site_.accounts()[i].name;
      if (const auto* failure = status_->why_unreachable(account); failure != nullptr)
        add(needs_azure(i) ? Level::failing : Level::warning, account + ": " + failure->reason);
    }
  }

  /// Pages send uploads to Azure themselves, but a callback that is checked asks there, too.
  [[nodiscard]] bool needs_azure(std::size_t account) const {
    return std::ranges::any_of(site_.policy().rules(), [=](const Rule& rule) {
      return rule.account_index == account && rule.verify.enabled &&
             rule.verify.on_azure_failure == OnFailure::refuse;
    });
  }

  void metrics() {
    const Meters* meters = state_ == nullptr ? nullptr : state_->meters();
    const std::string fault = meters == nullptr ? std::string() : meters->fault();
    if (!fault.empty()) add(Level::warning, "those of one worker only: " + fault);
  }

  const Site& site_;
  const WorkerState* state_;
  const UtcSeconds now_;
  const std::optional<KeyStatus> status_;
  std::vector<Check> checks_;
  std::string_view name_;
};

std::string_view name_of(Level level) {
  switch (level) {
    case Level::ok: return "ok";
    case Level::unknown: return "unknown";
    case Level::warning: return "warning";
    case Level::failing: return "failing";
  }
  return "";
}

void put(Writer& writer, const char* name, std::string_view text) {
  writer.Key(name);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

/// The end of an answer, its list of checks.
std::string finish(rapidjson::StringBuffer& buffer, Writer& writer, const std::vector<Check>& checks) {
  writer.Key("checks");
  writer.StartArray();
  for (const Check& check : checks) {
    writer.StartObject();
    put(writer, "check", check.name);
    put(writer, "status", name_of(check.level));
    put(writer, "reason", check.reason);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

std::vector<Check> check_everything(const Site& site, const WorkerState* state, UtcSeconds now) {
  return Look(site, state, now).all();
}

bool is_any_failing(const std::vector<Check>& checks) {
  return std::ranges::any_of(checks, [](const Check& check) { return check.level == Level::failing; });
}

std::string readiness_json(const Site& site, const std::vector<Check>& checks) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  put(writer, "status", is_any_failing(checks) ? "not_ready" : "ready");
  put(writer, "version", kVersion);
  put(writer, "configuration", site.revision());
  return finish(buffer, writer, checks);
}

std::string liveness_json() {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  put(writer, "status", "ok");
  put(writer, "version", kVersion);
  return finish(buffer, writer, {{"process", Level::ok}});
}

}  // namespace blobvalet
