#pragma once
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <span>
#include <string_view>

#include "core/secret.hpp"

namespace blobvalet {

/// HMAC-SHA256 (RFC 2104) with one key. The algorithm is fetched once, because that costs three times the
/// hash itself. Not for use by two threads at once.
///
/// OpenSSL's own HMAC keeps a copy of the key in ordinary memory. Here the key's two blocks are SecretBytes
/// and hashed anew for each message, so that nothing else that could sign outlives a call.
class HmacSha256 {
 public:
  using Digest = std::array<unsigned char, 32>;

  /// Throws std::runtime_error if OpenSSL offers no HMAC-SHA256.
  explicit HmacSha256(const SecretBytes& key);
  /// The digest of `message`. Throws std::runtime_error if OpenSSL fails.
  [[nodiscard]] Digest operator()(std::string_view message);

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
  };
  [[nodiscard]] Digest hash(std::span<const unsigned char> first, std::span<const unsigned char> second);

  std::unique_ptr<EVP_MD, Free> sha256_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  SecretBytes inner_;  ///< what is hashed before the message
  SecretBytes outer_;  ///< and before the hash of both
};

}  // namespace blobvalet
