#include "core/sas_signers.hpp"

#include <algorithm>

namespace blobvalet {

StaticText why_unusable(const SigningKey* key, UtcSeconds now) {
  if (key == nullptr) return "there is no user delegation key yet";
  const auto* delegation = std::get_if<UserDelegationKey>(key);
  if (delegation == nullptr) return "";
  if (now < delegation->not_before) return "the user delegation key is not valid yet: check the clock";
  if (now >= delegation->not_after) return "the user delegation key has expired";
  return "";
}

SasSigners::SasSigners(const std::vector<std::shared_ptr<const SigningKey>>& keys, SasLedger* ledger)
    : ledger_(ledger) {
  for (const auto& key : keys)
    entries_.push_back(key == nullptr ? std::nullopt : std::optional<Entry>(std::in_place, key));
}

Result<SasSigners::Entry*> SasSigners::usable(std::size_t account_index, UtcSeconds now) {
  auto& entry = entries_[account_index];
  const StaticText objection = why_unusable(entry ? &entry->signer.key() : nullptr, now);
  if (objection.empty()) return &*entry;
  auto error = refuse(Errc::key_unavailable, "", "uploads are not possible now; try again later", objection);
  error.value().retry_after = std::chrono::seconds(5);
  return error;
}

void SasSigners::note(const Entry& entry, UtcSeconds until) {
  if (ledger_ != nullptr) ledger_->issued(entry.fingerprint, until);
}

Result<IssuedSas> SasSigners::append_sas_uri(std::string& out, const SasGrant& grant, UtcSeconds now) {
  const auto entry = usable(grant.target().account_index, now);
  if (!entry) return tl::unexpected(entry.error());
  const IssuedSas sas = (*entry)->signer.append_sas_uri(out, grant);
  note(**entry, std::min(sas.expiry, grant.used_until()));
  return sas;
}

Result<IssuedSas> SasSigners::append_list_uri(std::string& out, const ListGrant& grant, UtcSeconds now,
                                              UtcSeconds used_until) {
  const auto entry = usable(grant.folder().account_index, now);
  if (!entry) return tl::unexpected(entry.error());
  const IssuedSas sas = (*entry)->signer.append_list_uri(out, grant, now);
  note(**entry, std::min(sas.expiry, used_until));
  return sas;
}

}  // namespace blobvalet
