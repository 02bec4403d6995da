#pragma once
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string_view>

#include "core/secret.hpp"

namespace blobvalet {

/// HMAC-SHA256 (RFC 2104) with one key. The keyed state is made once and kept, because fetching the algorithm
/// for each message costs three times the hash itself. Not for use by two threads at once.
class HmacSha256 {
 public:
  using Digest = std::array<unsigned char, 32>;

  /// Throws std::runtime_error if OpenSSL offers no HMAC-SHA256.
  explicit HmacSha256(const SecretBytes& key);
  /// The digest of `message`. Throws std::runtime_error if OpenSSL fails.
  [[nodiscard]] Digest operator()(std::string_view message);

 private:
  struct Free {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  std::unique_ptr<EVP_MAC_CTX, Free> context_;
};

}  // namespace blobvalet
