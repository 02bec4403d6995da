#include "core/sha256.hpp"

#include <openssl/evp.h>

#include <stdexcept>

#include "core/hexadecimal.hpp"

namespace blobvalet {

std::array<unsigned char, 32> sha256(std::span<const unsigned char> bytes) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL: SHA-256 failed");
  }
  return digest;
}

std::string sha256_hex(std::string_view text) {
  return hexadecimal(sha256(std::span(reinterpret_cast<const unsigned char*>(text.data()), text.size())));
}

}  // namespace blobvalet
