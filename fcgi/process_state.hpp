#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "core/site.hpp"
#include "core/worker_state.hpp"
#include "fcgi/adapters/key_directory.hpp"
#include "fcgi/rate_limits.hpp"

namespace blobvalet::fcgi {

/// WorkerState of this process.
class ProcessState final : public WorkerState {
 public:
  /// `ledger` and `meters` may be null.
  ProcessState(std::filesystem::path key_directory, std::unique_ptr<SasLedger> ledger,
               std::unique_ptr<Meters> meters = nullptr)
      : keys_(std::move(key_directory)), ledger_(std::move(ledger)), meters_(std::move(meters)) {}

  [[nodiscard]] SasLedger* ledger() override { return ledger_.get(); }
  [[nodiscard]] RateLimiter* limiter() override { return &limits_; }
  /// The budgets of rules with a limit are in the store that `site` names.
  void use_limits_of(const Site& site) {
    if (site.policy().has_limits()) limits_.move_to(site.limits());
  }
  [[nodiscard]] std::optional<KeyStatus> key_status() const override {
    const std::lock_guard lock(mutex_);
    return keys_.read_status();
  }
  [[nodiscard]] std::string reload_fault() const override {
    const std::lock_guard lock(mutex_);
    return fault_;
  }

  [[nodiscard]] Meters* meters() const override { return meters_.get(); }

  /// The configuration and keys are those on the disk.
  void reloaded(std::filesystem::path key_directory) {
    const std::lock_guard lock(mutex_);
    keys_ = KeyDirectory(std::move(key_directory));
    fault_.clear();
  }
  /// They could not be read, and the old ones stay.
  void reload_failed(std::string fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
  }

 private:
  mutable std::mutex mutex_;
  KeyDirectory keys_;
  std::string fault_;
  const std::unique_ptr<SasLedger> ledger_;
  const std::unique_ptr<Meters> meters_;
  RateLimits limits_;
};

}  // namespace blobvalet::fcgi
