#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "core/access_token.hpp"
#include "core/config.hpp"
#include "core/delegation_key_client.hpp"
#include "core/delegation_key_text.hpp"
#include "core/key_status.hpp"

namespace blobvalet {

/// Port: where the workers find user delegation keys. Not for use by two threads at once.
class DelegationKeyStore {
 public:
  DelegationKeyStore() = default;
  DelegationKeyStore(const DelegationKeyStore&) = delete;
  DelegationKeyStore& operator=(const DelegationKeyStore&) = delete;
  virtual ~DelegationKeyStore() = default;
  /// The account's key; nothing if there is none that can be used.
  [[nodiscard]] virtual std::optional<DelegationKeyText> read(const std::string& account) = 0;
  /// Puts `key` in the place of the one before, at once. Throws std::runtime_error, with what failed.
  virtual void write(const std::string& account, const UserDelegationKey& key, const std::string& origin) = 0;
};

/// When a key is to be renewed that was fetched at `fetched`: at half its life, up to a tenth later
/// (`jitter`, 0 to 1, so that many machines do not come at the same moment), but in any case while it still
/// outlasts the longest SAS by an hour, if it ever did.
[[nodiscard]] UtcSeconds renewal_time(UtcSeconds fetched, UtcSeconds expiry, std::chrono::seconds longest_sas,
                                      double jitter);

/// The longest that any SAS is valid which a rule signs for this account, thumbnails included.
[[nodiscard]] std::chrono::seconds longest_sas(const Config& config, std::size_t account);

/// Keeps one account's user delegation key fresh. Not for use by two threads at once; blocks while Azure and
/// the identity's source are asked, up to some minutes if nobody answers.
class KeyRenewal {
 public:
  /// `account` has an identity, to which `environment` may contribute. `jitter` as in renewal_time(). The
  /// references outlive it.
  KeyRenewal(const Account& account, const IdentityEnvironment& environment, std::chrono::seconds longest_sas,
             TokenSource tokens, DelegationKeyClient client, DelegationKeyStore& store, const Clock& clock,
             double jitter);

  /// Fetches a key if that is due, and returns when it will be next: a second to some days from now. A key
  /// that cannot be renewed stays where it is.
  UtcSeconds run();
  /// What went wrong the last time; nothing if all is well.
  [[nodiscard]] const std::optional<KeyStatus::Failure>& failure() const { return failure_; }
  /// The key in use; nothing if there has never been one.
  [[nodiscard]] const std::optional<DelegationKeyText>& current() const { return current_; }

 private:
  [[nodiscard]] bool is_due(UtcSeconds now) const;
  [[nodiscard]] tl::expected<UserDelegationKey, IdentityFailure> fetch(UtcSeconds now);
  void succeed(UserDelegationKey key);
  void fail(const IdentityFailure& failure);

  const std::string account_;
  const std::string url_;
  const std::string ca_file_;
  const std::string origin_;
  const std::chrono::seconds lifetime_;
  const std::chrono::seconds longest_sas_;
  TokenSource tokens_;
  DelegationKeyClient client_;
  DelegationKeyStore& store_;
  const Clock& clock_;
  const double jitter_;
  std::optional<DelegationKeyText> current_;
  std::optional<KeyStatus::Failure> failure_;
  unsigned failures_ = 0;   ///< in a row
  UtcSeconds failed_at_{};  ///< the last time
  UtcSeconds retry_at_{};   ///< after a failure
};

}  // namespace blobvalet
