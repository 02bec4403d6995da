#include "core/sha256.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "core/hexadecimal.hpp"

namespace blobvalet {

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL: SHA-256 failed");
  }
  return hexadecimal(digest);
}

}  // namespace blobvalet
