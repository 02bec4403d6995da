#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "core/blob_target.hpp"
#include "core/config.hpp"
#include "core/policy.hpp"
#include "core/signing_key.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// An account's loaded keys.
struct AccountKeys {
  std::shared_ptr<const SigningKey> current;  ///< of an identity: the user delegation key
  std::shared_ptr<const SigningKey> next;     ///< null: none configured
  // When the file of each was changed last; nothing for one that is no account key, or in no file.
  std::optional<UtcSeconds> current_changed = {};
  std::optional<UtcSeconds> next_changed = {};
};

/// Everything that answers depend on: the configuration in the shape that requests need, and the keys.
/// Immutable, so that any number of threads may share it; a reload makes a new one.
class Site {
 public:
  /// `keys` are in the order of `config.accounts`, each with a current key; only an account with an identity
  /// may have none yet. `hook_secret` is there if there is a hook. `revision` tells this configuration and
  /// its keys from any other.
  Site(Config config, std::vector<AccountKeys> keys, std::shared_ptr<const SecretBytes> hook_secret = nullptr,
       std::string revision = {});

  [[nodiscard]] const std::vector<Account>& accounts() const { return accounts_; }
  /// All keys of each account.
  [[nodiscard]] const std::vector<AccountKeys>& keys() const { return keys_; }
  [[nodiscard]] const KeyOptions& key_options() const { return key_options_; }
  [[nodiscard]] const std::string& revision() const { return revision_; }

  [[nodiscard]] const EndpointTable& endpoints() const { return endpoints_; }
  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] BlobNames blob_names() const { return blob_names_; }
  [[nodiscard]] const SuccessOptions& success() const { return success_; }
  [[nodiscard]] const SessionOptions& session() const { return session_; }
  /// True if the application hears of each DELETE before it is signed.
  [[nodiscard]] bool announces_deletes() const { return success_.hook && success_.hook->delete_granted; }
  [[nodiscard]] const ServerOptions& server() const { return server_; }
  [[nodiscard]] const LimitOptions& limits() const { return limits_; }
  /// True if some rule has a limit whose budgets are elsewhere, so that looking at them takes a while.
  [[nodiscard]] bool limits_may_wait() const {
    return limits_.store == LimitOptions::Store::redis && policy_.has_limits();
  }
  /// The key that signs for each account, in the order of the configuration; null: an identity has still to
  /// fetch it.
  [[nodiscard]] const std::vector<std::shared_ptr<const SigningKey>>& signing_keys() const {
    return signing_keys_;
  }
  /// How our own requests are authorized, for each account.
  [[nodiscard]] const std::vector<RequestAuthorization>& requests() const { return requests_; }
  /// What messages to the hook are signed with; only where there is one.
  [[nodiscard]] const SecretBytes& hook_secret() const { return *hook_secret_; }

 private:
  EndpointTable endpoints_;
  Policy policy_;
  BlobNames blob_names_;
  SuccessOptions success_;
  SessionOptions session_;
  ServerOptions server_;
  LimitOptions limits_;
  KeyOptions key_options_;
  std::vector<Account> accounts_;
  std::vector<AccountKeys> keys_;
  std::vector<std::shared_ptr<const SigningKey>> signing_keys_;
  std::vector<RequestAuthorization> requests_;
  std::shared_ptr<const SecretBytes> hook_secret_;
  std::string revision_;
};

}  // namespace blobvalet
