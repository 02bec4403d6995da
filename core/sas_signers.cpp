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

Result<IssuedSas> SasSigners::append_sas_uri(std::string& out, const SasGrant& grant, UtcSeconds now) {
  auto& entry = entries_[grant.target().account_index];
  const StaticText objection = why_unusable(entry ? &entry->signer.key() : nullptr, now);
  if (!objection.empty()) {
    auto error =
        refuse(Errc::key_unavailable, "", "uploads are not possible now; try again later", objection);
    error.value().retry_after = std::chrono::seconds(5);
    return error;
  }
  const IssuedSas sas = entry->signer.append_sas_uri(out, grant);
  if (ledger_ != nullptr) ledger_->issued(entry->fingerprint, std::min(sas.expiry, grant.used_until()));
  return sas;
}

}  // namespace blobvalet
