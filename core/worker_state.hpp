#pragma once
#include <optional>
#include <string>

#include "core/key_status.hpp"
#include "core/meters.hpp"
#include "core/rate_limit.hpp"
#include "core/sas_ledger.hpp"

namespace blobvalet {

/// Port: what a worker knows beside its Site. For use by any number of threads.
class WorkerState {
 public:
  WorkerState() = default;
  WorkerState(const WorkerState&) = delete;
  WorkerState& operator=(const WorkerState&) = delete;
  virtual ~WorkerState() = default;
  /// Who is told of each SAS; null: nobody.
  [[nodiscard]] virtual SasLedger* ledger() = 0;
  /// Who counts the requests of rules with a limit; null: nobody.
  [[nodiscard]] virtual RateLimiter* limiter() { return nullptr; }
  /// What `blobvalet keys renew` said last; nothing if it has never run here.
  [[nodiscard]] virtual std::optional<KeyStatus> key_status() const = 0;
  /// Why the configuration and keys in use are not those on the disk; empty: they are.
  [[nodiscard]] virtual std::string reload_fault() const = 0;
  /// Where figures are counted; null: nowhere.
  [[nodiscard]] virtual Meters* meters() const { return nullptr; }
};

}  // namespace blobvalet
