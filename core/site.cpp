#include "core/site.hpp"

#include <stdexcept>

namespace blobvalet {

Site::Site(Config config, std::vector<AccountKeys> keys, std::shared_ptr<const SecretBytes> hook_secret,
           std::string revision)
    : policy_(std::move(config.rules)),
      blob_names_(config.blob_names),
      success_(config.success),
      session_(config.session),
      server_(std::move(config.server)),
      limits_(std::move(config.limits)),
      key_options_(config.keys),
      accounts_(std::move(config.accounts)),
      keys_(std::move(keys)),
      hook_secret_(std::move(hook_secret)),
      revision_(std::move(revision)) {
  if (success_.hook && hook_secret_ == nullptr) throw std::logic_error("hook without a secret");
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    const Account& account = accounts_[i];
    for (const EndpointUrl& endpoint : account.endpoints) {
      if (!endpoints_.add(endpoint, i, account.name)) throw std::logic_error("endpoint configured twice");
    }
    requests_.push_back(account.requests);
    signing_keys_.push_back(account.use_next ? keys_.at(i).next : keys_.at(i).current);
    if (signing_keys_.back() == nullptr && !account.identity) throw std::logic_error("account without a key");
  }
}

}  // namespace blobvalet
