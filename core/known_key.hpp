#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/site.hpp"

namespace blobvalet {

/// Which of its account's keys one is.
enum class KeyRole : std::uint8_t { current, next, user_delegation };

/// As operators read it: `user delegation`.
[[nodiscard]] std::string_view name_of(KeyRole role);
/// As programs do: `user_delegation`.
[[nodiscard]] std::string_view code_of(KeyRole role);

/// A key that an account has, or should have.
struct KnownKey {
  std::size_t account;  ///< position in Config::accounts
  KeyRole role;
  bool in_use;            ///< signs
  const SigningKey* key;  ///< null: there is none, or it cannot be read
  /// When its file was changed last, or from when on a user delegation key is valid; nothing if nobody knows.
  std::optional<UtcSeconds> since;
};

/// All of them, in the order of the configuration. `keys` are in the order of `accounts`, and outlive the
/// result.
[[nodiscard]] std::vector<KnownKey> known_keys(const std::vector<Account>& accounts,
                                               const std::vector<AccountKeys>& keys);

}  // namespace blobvalet
