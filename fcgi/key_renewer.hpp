#pragma once
#include <chrono>
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
/// for the clock and Azure itself: an identity that does not answer holds up nobody else.
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
  /// How many accounts have keys to renew, and for how many that fails. May be called by any thread.
  [[nodiscard]] std::size_t accounts() const { return keepers_.size(); }
  [[nodiscard]] std::size_t failing() const;
  /// True if a thread has been busy with one thing for longer than any can take.
  [[nodiscard]] bool stands_still() const;
  /// The clock was set, or something else makes waiting longer wrong.
  void wake() { gate_.wake(); }

 private:
  struct AccountKeeper;
  void keep_fresh(std::size_t number);
  void watch_azure();
  [[nodiscard]] std::vector<KeyStatus::Failure> ask_azure(Http& http);
  void note_unreachable(std::vector<KeyStatus::Failure> failures);
  UtcSeconds renew(AccountKeeper& keeper);
  void note(AccountKeeper& keeper);
  void publish();
  /// Waits in thread `number`, and notes that it does not stand still.
  void rest(std::size_t number, std::chrono::seconds duration);

  const Config config_;
  const KeyDirectory directory_;
  const Clock& clock_;
  StopGate gate_;
  std::vector<std::unique_ptr<AccountKeeper>> keepers_;
  mutable std::mutex status_mutex_;
  std::optional<std::chrono::seconds> clock_skew_;
  std::vector<std::chrono::steady_clock::time_point> rested_;  ///< when each thread did last
  std::optional<std::vector<KeyStatus::Failure>> unreachable_;
  std::vector<std::jthread> threads_;
};

}  // namespace blobvalet::fcgi
