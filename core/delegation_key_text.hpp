#pragma once
#include <optional>
#include <string_view>

#include "core/secret.hpp"
#include "core/signing_key.hpp"

namespace blobvalet {

/// A user delegation key as one process hands it to others: a line `name value` for each of its members.
/// `origin`, a word, says who fetched it, so that a change of the configuration can be told.
[[nodiscard]] SecretBytes delegation_key_text(const UserDelegationKey& key, std::string_view origin);

struct DelegationKeyText {
  UserDelegationKey key;
  std::string origin;

  /// Reads it; nothing for any other text.
  [[nodiscard]] static std::optional<DelegationKeyText> parse(std::string_view text);
};

}  // namespace blobvalet
