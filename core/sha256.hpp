#pragma once
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace blobvalet {

/// SHA-256 (FIPS 180-4) in 64 lower-case hexadecimal digits. Throws std::runtime_error if OpenSSL fails.
[[nodiscard]] std::string sha256_hex(std::string_view text);
/// The same in its 32 bytes.
[[nodiscard]] std::array<unsigned char, 32> sha256(std::span<const unsigned char> bytes);

/// The same for many texts: the algorithm is fetched once, and nothing is allocated for a text. Not for use
/// by two threads at once.
class Sha256 {
 public:
  /// Throws std::runtime_error if OpenSSL offers no SHA-256.
  Sha256();
  /// In 64 lower-case digits. Throws std::runtime_error if OpenSSL fails.
  [[nodiscard]] std::array<char, 64> hexadecimal(std::string_view text);

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
  };
  std::unique_ptr<EVP_MD, Free> algorithm_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace blobvalet
