// OpenSSL 3 would rather have these functions replaced by EVP's, which allocate for every hash.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/sha256.hpp"

#include <openssl/sha.h>

namespace blobvalet {
namespace {

std::span<const unsigned char> bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

}  // namespace

std::array<unsigned char, 32> sha256(std::span<const unsigned char> bytes) {
  SHA256_CTX context;
  std::array<unsigned char, 32> digest{};
  // None of them can fail.
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

std::array<char, 64> sha256_digits(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto digest = sha256(bytes_of(text));
  std::array<char, 64> digits{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digits[2 * i] = kDigits[digest[i] >> 4U];
    digits[2 * i + 1] = kDigits[digest[i] & 0xfU];
  }
  return digits;
}

std::string sha256_hex(std::string_view text) {
  const auto digits = sha256_digits(text);
  return {digits.begin(), digits.end()};
}

}  // namespace blobvalet
