#include "core/hmac.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <stdexcept>

namespace blobvalet {
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr unsigned char kInner = 0x36;
constexpr unsigned char kOuter = 0x5c;

void require(bool success) {
  if (!success) throw std::runtime_error("OpenSSL: HMAC-SHA256 failed");
}

/// The key, filled up with zeros to a block, with every byte changed by `constant`.
SecretBytes block_of(std::span<const unsigned char> key, unsigned char constant) {
  SecretBytes block(kBlockBytes);
  const auto bytes = block.reveal_mutable();
  std::ranges::copy(key, bytes.begin());
  for (unsigned char& byte : bytes)
    byte ^= constant;
  return block;
}

std::span<const unsigned char> bytes_of(std::string_view text) {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

}  // namespace

HmacSha256::HmacSha256(const SecretBytes& key)
    : sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
  require(sha256_ != nullptr && context_ != nullptr);
  Digest short_key{};
  std::span<const unsigned char> bytes = key.reveal();
  if (bytes.size() > kBlockBytes) bytes = short_key = hash(bytes, {});
  inner_ = block_of(bytes, kInner);
  outer_ = block_of(bytes, kOuter);
  OPENSSL_cleanse(short_key.data(), short_key.size());
}

HmacSha256::Digest HmacSha256::operator()(std::string_view message) {
  return hash(outer_.reveal(), hash(inner_.reveal(), bytes_of(message)));
}

HmacSha256::Digest HmacSha256::hash(std::span<const unsigned char> first,
                                    std::span<const unsigned char> second) {
  require(EVP_DigestInit_ex(context_.get(), sha256_.get(), nullptr) == 1);
  require(EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1);
  require(EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1);
  Digest digest{};
  require(EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace blobvalet
