#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/key_renewal.hpp"
#include "fcgi/adapters/key_directory.hpp"
#include "fcgi/stop_gate.hpp"

namespace blobvalet::fcgi {

/// What renews the keys of one configuration, in a thread for each account that has an identity and one more
/// for the clock: an identity that does not answer holds up nobody else.
class KeyRenewer {
 public:
  /// `client_secrets` are in the order of the accounts, null where there is none. `clock` outlives it. Throws
  /// std::runtime_error if the directory cannot be used.
  KeyRenewer(Config config, const IdentityEnvironment& environment,
             std::vector<std::shared_ptr<const SecretBytes>> client_secrets, const Clock& clock);
  /// Ends what is under way, within a second or two.
  ~KeyRenewer();
  KeyRenewer(const KeyRenewer&) = delete;
  KeyRenewer& operator=(const KeyRenewer&) = delete;
  KeyRenewer(KeyRenewer&&) = delete;
  KeyRenewer& operator=(KeyRenewer&&) = delete;

  /// Renews what is due, in this thread, and returns what failed.
  [[nodiscard]] std::vector<KeyStatus::Failure> run_once();
  /// Starts the threads.
  void start();
  /// The clock was set, or something else makes waiting longer wrong.
  void wake() { gate_.wake(); }

 private:
  struct AccountKeeper;
  void keep_fresh(AccountKeeper& keeper);
  void watch_clock();
  UtcSeconds renew(AccountKeeper& keeper);
  void note(AccountKeeper& keeper);
  void publish();

  const Config config_;
  const KeyDirectory directory_;
  const Clock& clock_;
  StopGate gate_;
  std::vector<std::unique_ptr<AccountKeeper>> keepers_;
  std::mutex status_mutex_;
  std::optional<std::chrono::seconds> clock_skew_;
  std::vector<std::jthread> threads_;
};

}  // namespace blobvalet::fcgi
