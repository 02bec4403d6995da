#include "core/sha256.hpp"

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

Sha256::Sha256() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
  if (algorithm_ == nullptr || context_ == nullptr) throw std::runtime_error("OpenSSL: SHA-256 failed");
}

std::array<char, 64> Sha256::hexadecimal(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<unsigned char, 32> digest{};
  if (EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context_.get(), text.data(), text.size()) != 1 ||
      EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL: SHA-256 failed");
  }
  std::array<char, 64> digits{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digits[2 * i] = kDigits[digest[i] >> 4U];
    digits[2 * i + 1] = kDigits[digest[i] & 0xfU];
  }
  return digits;
}

}  // namespace blobvalet
