#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/key_probe.hpp"
#include "core/key_status.hpp"
#include "core/known_key.hpp"

namespace blobvalet {

/// Until when SAS of one key may be used.
struct SignedUntil {
  std::optional<UtcSeconds> time;  ///< nothing: it has signed none
  bool is_bound = false;           ///< nobody has noted it, but it is no later

  /// What a machine's ledger says: `noted` of the key, and `since` when it has been there (nothing: there is
  /// none). What it cannot know lasts `longest_sas` at most.
  [[nodiscard]] static SignedUntil from(std::optional<UtcSeconds> noted, std::optional<UtcSeconds> since,
                                        std::chrono::seconds longest_sas, UtcSeconds now);
};

/// What `blobvalet keys status` says.
struct KeyReport {
  struct Key {
    std::string account;
    KeyRole role = KeyRole::current;
    bool in_use = false;
    std::optional<KeySource> source;  ///< nothing: an identity fetches it
    std::string fingerprint;          ///< empty: there is no key
    std::string fault;                ///< why there is none
    SignedUntil signed_until;
    std::optional<UtcSeconds> valid_until;  ///< of a user delegation key
    std::string renewal_failure;            ///< why it cannot be renewed; empty: it can
    std::optional<KeyVerdict> verdict;      ///< nothing: Azure was not asked

    /// From when on it may be regenerated in Azure and nobody's upload fails: its SAS have expired, also by
    /// Azure's clock. Only of keys that are not in use.
    std::optional<UtcSeconds> regenerate_after;
  };

  UtcSeconds now;
  std::vector<Key> keys;                           ///< in the order of the configuration
  std::optional<std::chrono::seconds> clock_skew;  ///< the largest that was measured
  bool has_ledger = false;

  /// Fills in `clock_skew`, of `measured` and what Azure answered, and regenerate_after, after the other
  /// members are set. `switched` is when the configuration was changed last: workers take up to two seconds
  /// to follow.
  void conclude(std::optional<std::chrono::seconds> measured, UtcSeconds switched);
  /// True if every account has a key in use, and none that Azure was asked about but did not confirm.
  [[nodiscard]] bool is_fine() const;
  /// A table, and what to do next.
  [[nodiscard]] std::string to_text() const;
  /// One JSON object and a line feed.
  [[nodiscard]] std::string to_json() const;
};

/// `file acmeuploads.key`, `environment BLOBVALET_KEY`, `credential acmeuploads` or `identity`.
[[nodiscard]] std::string describe(const std::optional<KeySource>& source);

/// `45 s`, `12 min 3 s`, `2 h 5 min` or `6 d 1 h`.
[[nodiscard]] std::string describe(std::chrono::seconds duration);

}  // namespace blobvalet
