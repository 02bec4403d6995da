#include "fcgi/reloader.hpp"

#include <algorithm>

#include "core/metrics.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/log.hpp"
#include "fcgi/system_clock.hpp"

namespace blobvalet::fcgi {
namespace {

/// `acmeuploads: current key 0123456789abcdef`; empty if nothing signs for the account yet.
std::string signing_key(const Site& site, std::size_t account) {
  const auto& key = site.signing_keys().at(account);
  if (key == nullptr) return {};
  const auto* delegation = std::get_if<UserDelegationKey>(key.get());
  const char* which = delegation != nullptr               ? "user delegation"
                      : site.accounts()[account].use_next ? "next"
                                                          : "current";
  std::string text = site.accounts()[account].name + ": " + which + " key " + KeyFingerprint(*key).text();
  return delegation == nullptr ? text : text + " until " + delegation->expiry;
}

std::vector<std::string> signing_keys(const Site& site) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < site.accounts().size(); ++i)
    texts.push_back(signing_key(site, i));
  return texts;
}

/// Which keys sign from now on, if they did not before.
void log_new_keys(const Site& site, const std::vector<std::string>& before) {
  for (const std::string& text : signing_keys(site)) {
    if (!text.empty() && std::ranges::find(before, text) == before.end()) Log::notice("signing_key", text);
  }
}

}  // namespace

Reloader::Reloader(SiteLoader& loader, std::shared_ptr<const Site> site, FileWatch& files,
                   ProcessState& state)
    : loader_(loader), files_(files), state_(state), site_(std::move(site)) {
  files_.watch(loader_.seen());
  log_new_keys(*site_, {});
  count_load(state_.reload_fault().empty(), false);
  Meters* meters = state_.meters();
  if (meters == nullptr) return;
  meters->use_revision(site_->revision());
  for (const char* outcome : {"ok", "failed"})  // there from the beginning, so that the first one is seen
    count(meters->meter(MeterKind::counter, sample_name(metric::kReloads, {{"outcome", outcome}})), 0);
}

std::shared_ptr<const Site> Reloader::operator()(ReloadCause cause) {
  auto next = loader_.load();
  const bool is_sound = next.has_value();
  if (next) {
    state_.reloaded((*next)->key_options().directory);
    Log::notice("reloaded", "configuration " + (*next)->revision());
  } else {
    note_failure(next.error(), cause);
    next = loader_.instead_of_faulty(*site_);
    if (*next != nullptr && (*next)->revision() != site_->revision())
      Log::notice("last_sound", "configuration " + (*next)->revision());
  }
  files_.watch(loader_.seen());
  if (is_sound || cause == ReloadCause::news) count_load(is_sound, true);
  if (*next == nullptr) return nullptr;
  log_new_keys(**next, signing_keys(*site_));
  site_ = *next;
  if (state_.meters() != nullptr) state_.meters()->use_revision(site_->revision());
  return site_;
}

void Reloader::note_failure(const ConfigFaults& faults, ReloadCause cause) {
  std::string fault = text_of(faults);
  if (cause == ReloadCause::retry && fault == state_.reload_fault()) return;
  log_faults("reload_failed", faults);
  state_.reload_failed(std::move(fault));
}

/// That files were read, and how that went; again, or (as far as it went well) by a worker that has just
/// started.
void Reloader::count_load(bool is_sound, bool is_reload) {
  Meters* meters = state_.meters();
  if (meters == nullptr) return;
  const auto sample = [&](std::string_view name) {
    return sample_name(name, {{"outcome", is_sound ? "ok" : "failed"}});
  };
  if (is_reload) count(meters->meter(MeterKind::counter, sample(metric::kReloads)));
  const auto now = static_cast<std::uint64_t>(SystemClock().now().time_since_epoch().count());
  set(meters->meter(MeterKind::latest, sample(metric::kLastReload)), now);
  set(meters->meter(MeterKind::gauge, metric::kReloadFailed), is_sound ? 0 : 1);
}

}  // namespace blobvalet::fcgi
