#include "core/metrics.hpp"

#include <algorithm>

#include "core/known_key.hpp"
#include "core/version.hpp"

namespace blobvalet {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out.append("\\n");
      continue;
    }
    if (c == '\\' || c == '"') out.push_back('\\');
    out.push_back(c);
  }
}

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

void add_keys(MetricsText& out, const Site& site, const SasLedger* ledger) {
  out.begin_gauge("blobvalet_signing_key_info", "1 for the key that signs, 0 for the account's other one.");
  for_each_key(site, [&](const KnownKey& known, KeyFingerprint /*key*/, const MetricsText::Labels& labels) {
    out.add(labels, known.in_use ? 1 : 0);
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

void MetricsText::begin_gauge(std::string_view name, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help);
  text_.append("\n# TYPE ").append(name).append(" gauge\n");
}

void MetricsText::add(const Labels& labels, std::int64_t value) {
  text_.append(name_);
  char separator = '{';
  for (const auto& [name, label] : labels) {
    text_.push_back(separator);
    text_.append(name).append("=\"");
    append_escaped(text_, label);
    text_.push_back('"');
    separator = ',';
  }
  text_.append(labels.empty() ? " " : "} ").append(std::to_string(value)).append("\n");
}

std::string metrics_text(const Site& site, WorkerState* state, UtcSeconds now) {
  MetricsText out;
  out.begin_gauge("blobvalet_build_info", "Which version answers.");
  out.add({{"version", kVersion}}, 1);
  out.begin_gauge("blobvalet_config_info", "Which configuration is in use, as health and log name it.");
  out.add({{"revision", site.revision()}}, 1);
  add_keys(out, site, state == nullptr ? nullptr : state->ledger());
  add_delegation_keys(out, site);
  if (state == nullptr) return out.take();
  if (const auto status = state->key_status(); status && !status->is_stale(now))
    add_renewal(out, site, *status);
  out.begin_gauge("blobvalet_reload_failed",
                  "1 while the files on the disk are faulty and the old ones in use.");
  out.add({}, state->reload_fault().empty() ? 0 : 1);
  return out.take();
}

}  // namespace blobvalet
