#include "fcgi/reloader.hpp"

#include <algorithm>

#include "fcgi/config_file.hpp"
#include "fcgi/log.hpp"

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
}

std::shared_ptr<const Site> Reloader::operator()() {
  auto next = loader_.load();
  if (next) {
    state_.reloaded((*next)->key_options().directory);
    Log::notice("reloaded", "configuration " + (*next)->revision());
  } else {
    state_.reload_failed(log_faults("reload_failed", next.error()));
    next = loader_.instead_of_faulty(*site_);
    if (*next != nullptr && (*next)->revision() != site_->revision())
      Log::notice("last_sound", "configuration " + (*next)->revision());
  }
  files_.watch(loader_.seen());
  if (*next == nullptr) return nullptr;
  log_new_keys(**next, signing_keys(*site_));
  site_ = *next;
  return site_;
}

}  // namespace blobvalet::fcgi
