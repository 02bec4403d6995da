#include "core/metrics.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/known_key.hpp"
#include "core/version.hpp"

namespace blobvalet {
namespace {

std::int64_t number(UtcSeconds time) {
  return time.time_since_epoch().count();
}

/// Calls `add` with each key that there is, its fingerprint and labels that name it.
template <class Add>
void for_each_key(const Site& site, Add add) {
  for (const KnownKey& known : known_keys(site.accounts(), site.keys())) {
    if (known.key == nullptr) continue;
    const KeyFingerprint fingerprint(*known.key);
    const std::string text = fingerprint.text();
    add(known, fingerprint,
        MetricsText::Labels{{"account", site.accounts()[known.account].name},
                            {"key", code_of(known.role)},
                            {"fingerprint", text}});
  }
}

/// A metric that workers count.
struct Family {
  std::string_view name;
  std::string_view type;
  std::string_view help;
};

constexpr std::array kFamilies{
    Family{"blobvalet_requests_total", "counter", "Requests that workers have answered."},
    Family{"blobvalet_grants_total", "counter",
           "Signatures given out (endpoint signature) and uploads accepted (success), by the rule that "
           "allowed it."},
    Family{"blobvalet_refusals_total", "counter",
           "Requests of pages that were refused; without a rule where none was found that allows them."},
    Family{metric::kRequest, "histogram",
           "From a whole request to its answer: signatures, and callbacks with their wait for a thread."},
    Family{metric::kAzure, "histogram", "Each request of workers to Azure, answered or not."},
    Family{metric::kHook, "histogram", "Each message to the site's application, answered or not."},
    Family{metric::kInFlight, "gauge", "Signatures and callbacks that are not answered yet."},
    Family{metric::kConnections, "gauge", "Connections from the web server, idle ones included."},
    Family{metric::kThreads, "gauge", "Threads for callbacks that there may be."},
    Family{metric::kThreadsBusy, "gauge", "Threads that answer a callback."},
    Family{metric::kCallbacksWaiting, "gauge", "Callbacks that wait for a thread."},
    Family{metric::kWorkers, "gauge", "Workers that run, by what they answer."},
    Family{metric::kWorkerStarts, "counter", "Workers that were started."},
    Family{metric::kReloads, "counter", "How often workers have read changed files, each for itself."},
    Family{metric::kLastReload, "gauge", "When a worker last did, or failed to; its start counts as well."},
    Family{metric::kEvents, "gauge",
           "Events for the site's application: those that wait, and those given up."},
    Family{metric::kDeliveries, "counter", "Attempts to deliver an event."},
};

/// The samples of all workers, by the names of their metrics.
class Totals {
 public:
  explicit Totals(std::vector<MeterTotal> totals) {
    for (MeterTotal& total : totals) {
      const std::string_view sample = total.sample;
      const std::string name(sample.substr(0, sample.find('{')));
      families_[name].push_back(std::move(total));
    }
  }
  [[nodiscard]] const std::vector<MeterTotal>& of(std::string_view name) const {
    static const std::vector<MeterTotal> kNone;
    const auto found = families_.find(name);
    return found == families_.end() ? kNone : found->second;
  }
  /// A figure of which there is one; 0 if there is none.
  [[nodiscard]] std::uint64_t single(std::string_view name) const {
    return of(name).empty() ? 0 : of(name).front().value;
  }
  [[nodiscard]] std::uint64_t value(const std::string& sample) const {
    for (const MeterTotal& total : of(std::string_view(sample).substr(0, sample.find('{')))) {
      if (total.sample == sample) return total.value;
    }
    return 0;
  }

 private:
  std::map<std::string, std::vector<MeterTotal>, std::less<>> families_;
};

/// What stands between the braces.
std::string_view labels_of(std::string_view sample) {
  const std::size_t brace = sample.find('{');
  return brace == std::string_view::npos ? std::string_view{}
                                         : sample.substr(brace + 1, sample.size() - brace - 2);
}

/// In memory each bucket counts its own; in the text it includes all smaller ones.
void add_histogram(MetricsText& out, const Totals& totals, std::string_view name) {
  for (const MeterTotal& sum : totals.of(std::string(name) + "_sum")) {
    const std::string_view labels = labels_of(sum.sample);
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i <= Histogram::kBounds.size(); ++i) {
      const std::string bucket = Histogram::bucket(name, labels, i);
      so_far += totals.value(bucket);
      out.add_line(bucket, std::to_string(so_far));
    }
    out.add_line(sum.sample, seconds_text(sum.value));
    std::string count = std::string(name) + "_count";
    if (!labels.empty()) count.append("{").append(labels).append("}");
    out.add_line(count, std::to_string(so_far));
  }
}

void add_counted(MetricsText& out, const Totals& totals) {
  for (const Family& family : kFamilies) {
    const bool is_histogram = family.type == "histogram";
    if (totals.of(std::string(family.name) + (is_histogram ? "_sum" : "")).empty()) continue;
    out.begin(family.name, family.type, family.help);
    if (is_histogram) {
      add_histogram(out, totals, family.name);
      continue;
    }
    for (const MeterTotal& total : totals.of(family.name))
      out.add_line(total.sample, std::to_string(total.value));
  }
}

/// Only where there is a hook that is told later: whoever delivers says what waits.
void add_oldest_event(MetricsText& out, const Totals& totals, UtcSeconds now) {
  if (totals.of(metric::kEvents).empty()) return;
  const auto oldest = static_cast<std::int64_t>(totals.single(metric::kEventsOldest));
  out.begin_gauge("blobvalet_events_oldest_age_seconds", "How long the oldest waiting event has waited.");
  out.add({}, oldest == 0 ? 0 : std::max<std::int64_t>(number(now) - oldest, 0));
}

void add_meters(MetricsText& out, const Meters& meters, const Totals& totals, UtcSeconds now) {
  add_counted(out, totals);
  add_oldest_event(out, totals, now);
  const auto [used, size] = meters.usage();
  out.begin_gauge("blobvalet_metrics_shared",
                  "1 if this is what all workers of the machine have counted, 0 if only one.");
  out.add({}, meters.fault().empty() ? 1 : 0);
  out.begin_gauge("blobvalet_metrics_figures", "Figures that workers count, names of former rules included.");
  out.add({}, static_cast<std::int64_t>(used));
  out.begin_gauge("blobvalet_metrics_figures_limit", "How many there can be.");
  out.add({}, static_cast<std::int64_t>(size));
}

void add_configurations(MetricsText& out, const Site& site, const Meters* meters) {
  std::set<std::string> revisions{site.revision()};
  if (meters != nullptr) {
    for (std::string& revision : meters->revisions())
      revisions.insert(std::move(revision));
  }
  out.begin_gauge(
      "blobvalet_config_info",
      "Which configurations workers use, as health and log name them; more than one for a moment only.");
  for (const std::string& revision : revisions)
    out.add({{"revision", revision}}, 1);
}

void add_azure(MetricsText& out, const Site& site, const KeyStatus& status) {
  if (!status.unreachable) return;
  out.begin_gauge("blobvalet_azure_reachable", "1 if Azure answers this machine for the account.");
  for (const Account& account : site.accounts())
    out.add({{"account", account.name}}, status.why_unreachable(account.name) == nullptr ? 1 : 0);
}

void add_keys(MetricsText& out, const Site& site, const SasLedger* ledger) {
  out.begin_gauge("blobvalet_signing_key_info", "1 for the key that signs, 0 for the account's other one.");
  for_each_key(site, [&](const KnownKey& known, KeyFingerprint /*key*/, const MetricsText::Labels& labels) {
    out.add(labels, known.in_use ? 1 : 0);
  });
  out.begin_gauge(
      "blobvalet_signing_key_since_timestamp_seconds",
      "Since when the key is what it is: its file was changed, or a user delegation key became valid.");
  for_each_key(site, [&](const KnownKey& known, KeyFingerprint /*key*/, const MetricsText::Labels& labels) {
    if (known.since) out.add(labels, number(*known.since));
  });
  if (ledger == nullptr) return;
  out.begin_gauge("blobvalet_signed_until_timestamp_seconds",
                  "When the last SAS ends that workers of this machine have signed with the key.");
  for_each_key(site, [&](const KnownKey& /*known*/, KeyFingerprint key, const MetricsText::Labels& labels) {
    if (const auto expiry = ledger->last_expiry(key)) out.add(labels, number(*expiry));
  });
}

void add_delegation_keys(MetricsText& out, const Site& site) {
  out.begin_gauge("blobvalet_delegation_key_expiry_timestamp_seconds",
                  "When the account's user delegation key ends.");
  for (std::size_t i = 0; i < site.accounts().size(); ++i) {
    const auto* key = site.signing_keys()[i] == nullptr
                          ? nullptr
                          : std::get_if<UserDelegationKey>(site.signing_keys()[i].get());
    if (key != nullptr) out.add({{"account", site.accounts()[i].name}}, number(key->not_after));
  }
}

void add_renewal(MetricsText& out, const Site& site, const KeyStatus& status) {
  out.begin_gauge("blobvalet_key_renewal_failing",
                  "1 while the account's user delegation key cannot be renewed.");
  for (const Account& account : site.accounts()) {
    if (!account.identity) continue;
    const bool fails = std::ranges::find(status.failures, account.name, &KeyStatus::Failure::account) !=
                       status.failures.end();
    out.add({{"account", account.name}}, fails ? 1 : 0);
  }
  if (!status.clock_skew) return;
  out.begin_gauge("blobvalet_clock_skew_seconds", "How far this machine's clock is ahead of Azure's.");
  out.add({}, status.clock_skew->count());
}

}  // namespace

void MetricsText::begin(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help);
  text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void MetricsText::add(const Labels& labels, std::int64_t value) {
  add_line(sample_name(name_, labels), std::to_string(value));
}

void MetricsText::add_line(std::string_view sample, std::string_view value) {
  text_.append(sample).append(" ").append(value).append("\n");
}

std::string metrics_text(const Site& site, WorkerState* state, UtcSeconds now) {
  MetricsText out;
  const Meters* meters = state == nullptr ? nullptr : state->meters();
  const Totals totals(meters == nullptr ? std::vector<MeterTotal>() : meters->totals());
  out.begin_gauge("blobvalet_build_info", "Which version answers.");
  out.add({{"version", kVersion}}, 1);
  add_configurations(out, site, meters);
  if (meters != nullptr) add_meters(out, *meters, totals, now);
  add_keys(out, site, state == nullptr ? nullptr : state->ledger());
  add_delegation_keys(out, site);
  if (state == nullptr) return out.take();
  if (const auto status = state->key_status(); status && !status->is_stale(now)) {
    add_renewal(out, site, *status);
    add_azure(out, site, *status);
  }
  out.begin_gauge(metric::kReloadFailed, "1 while the files on the disk are faulty and old ones in use.");
  out.add({}, state->reload_fault().empty() && totals.single(metric::kReloadFailed) == 0 ? 0 : 1);
  return out.take();
}

}  // namespace blobvalet
