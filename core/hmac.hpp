#pragma once
#include <array>
#include <string_view>

#include "core/secret.hpp"

namespace blobvalet {

/// HMAC-SHA256 (RFC 2104) with one key; allocates nothing for a message.
///
/// OpenSSL's own HMAC keeps the key in ordinary memory. Here it is kept as the two states that SHA-256 has
/// behind the key's blocks (RFC 2104 section 4), which can sign as the key can, and are SecretBytes, too.
class HmacSha256 {
 public:
  using Digest = std::array<unsigned char, 32>;

  explicit HmacSha256(const SecretBytes& key);
  /// The digest of `message`.
  [[nodiscard]] Digest operator()(std::string_view message) const;

 private:
  SecretBytes inner_;  ///< the state before the message
  SecretBytes outer_;  ///< and before the hash of both
};

}  // namespace blobvalet
