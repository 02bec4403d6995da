#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/sas_ledger.hpp"
#include "core/sas_signer.hpp"

namespace blobvalet {

/// The signers of all accounts. Not for use by two threads at once.
class SasSigners {
 public:
  /// `keys` are in the order of the accounts; null: the account has none yet. `ledger`, which outlives this,
  /// is told of each SAS; null: nobody is.
  explicit SasSigners(const std::vector<std::shared_ptr<const SigningKey>>& keys,
                      SasLedger* ledger = nullptr);

  /// Appends the URI that SasSigner makes for `grant`; its expiry is the grant's, or that of the key if it is
  /// earlier. Errors: key_unavailable (the account has no key that is
  /// valid now).
  [[nodiscard]] Result<IssuedSas> append_sas_uri(std::string& out, const SasGrant& grant, UtcSeconds now);
  /// The same for the URI that SasSigner makes to list by `grant`, which is used until `used_until`.
  [[nodiscard]] Result<IssuedSas> append_list_uri(std::string& out, const ListGrant& grant, UtcSeconds now,
                                                  UtcSeconds used_until);

 private:
  struct Entry {
    explicit Entry(const std::shared_ptr<const SigningKey>& key) : signer(key), fingerprint(*key) {}
    SasSigner signer;
    KeyFingerprint fingerprint;
  };
  [[nodiscard]] Result<Entry*> usable(std::size_t account_index, UtcSeconds now);
  void note(const Entry& entry, UtcSeconds until);

  std::vector<std::optional<Entry>> entries_;
  SasLedger* ledger_;
};

/// Why `key` cannot sign at `now`; empty: it can. An account key always can, a user delegation key within its
/// window, and none (null) never.
[[nodiscard]] StaticText why_unusable(const SigningKey* key, UtcSeconds now);

}  // namespace blobvalet
