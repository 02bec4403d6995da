#include "core/site_rules.hpp"

#include <algorithm>
#include <stdexcept>

namespace blobvalet {

SiteRules::SiteRules(Config config)
    : policy_(std::move(config.rules)),
      blob_names_(config.blob_names),
      accounts_(std::move(config.accounts)) {
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    for (const EndpointUrl& endpoint : accounts_[i].endpoints) {
      if (!endpoints_.add(endpoint, i, accounts_[i].name))
        throw std::logic_error("endpoint configured twice");
    }
  }
}

std::optional<std::size_t> SiteRules::find_account(std::string_view name) const {
  const auto found = std::ranges::find(accounts_, name, &Account::name);
  if (found == accounts_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - accounts_.begin());
}

}  // namespace blobvalet
