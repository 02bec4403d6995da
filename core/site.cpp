#include "core/site.hpp"

#include <stdexcept>

namespace blobvalet {

Site::Site(Config config, std::vector<AccountKeys> keys, std::shared_ptr<const SecretBytes> hook_secret)
    : policy_(std::move(config.rules)),
      blob_names_(config.blob_names),
      success_(config.success),
      server_(config.server),
      hook_secret_(std::move(hook_secret)) {
  if (success_.hook && hook_secret_ == nullptr) throw std::logic_error("hook without a secret");
  for (std::size_t i = 0; i < config.accounts.size(); ++i) {
    const Account& account = config.accounts[i];
    for (const EndpointUrl& endpoint : account.endpoints) {
      if (!endpoints_.add(endpoint, i, account.name)) throw std::logic_error("endpoint configured twice");
    }
    requests_.push_back(account.requests);
    signing_keys_.push_back(account.use_next ? keys.at(i).next : keys.at(i).current);
    if (signing_keys_.back() == nullptr) throw std::logic_error("account without a key");
  }
}

}  // namespace blobvalet
