#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace blobvalet {

/// The text of a configuration in which another key signs for an account.
struct KeySwitch {
  std::string text;
  bool changed = false;  ///< false: that key signs already
  bool to_next = false;  ///< which key that is
};

/// Lets `account` sign with its key `next` or `current` (nothing: with the one that does not sign now) by
/// changing `credential.use` in `json`, and not a byte beside: an operator's layout stays. The result is
/// read again, and differs in that one value. Otherwise: why it cannot be done, as a sentence.
[[nodiscard]] tl::expected<KeySwitch, std::string> switch_key(std::string_view json, std::string_view account,
                                                              std::optional<bool> to_next);

}  // namespace blobvalet
