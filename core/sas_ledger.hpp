#pragma once
#include <optional>

#include "core/signing_key.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// Port: what all workers of a machine have signed with each key. A key may be regenerated in Azure only when
/// the last of its SAS has expired, or somebody's upload fails. For use by any number of threads.
class SasLedger {
 public:
  SasLedger() = default;
  SasLedger(const SasLedger&) = delete;
  SasLedger& operator=(const SasLedger&) = delete;
  virtual ~SasLedger() = default;
  /// `key` has signed a SAS that may be used until `expiry`.
  virtual void issued(KeyFingerprint key, UtcSeconds expiry) = 0;
  /// Until when the SAS that lasts longest is valid; nothing if `key` has signed none.
  [[nodiscard]] virtual std::optional<UtcSeconds> last_expiry(KeyFingerprint key) const = 0;
};

}  // namespace blobvalet
