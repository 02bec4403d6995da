// OpenSSL 3 would rather have these functions replaced by EVP's, whose states lie in memory that it allocates
// for every hash, and cannot be set to what they were behind the key. These cannot fail: they return 1.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/hmac.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "core/sha256.hpp"

namespace blobvalet {
namespace {

constexpr std::size_t kBlockBytes = SHA256_CBLOCK;
constexpr unsigned char kInner = 0x36;
constexpr unsigned char kOuter = 0x5c;
using State = decltype(SHA256_CTX::h);

/// The state behind one block: the key, filled up with zeros, with every byte changed by `constant`.
SecretBytes state_behind(std::span<const unsigned char> key, unsigned char constant) {
  SecretBytes block(kBlockBytes);
  const auto bytes = block.reveal_mutable();
  std::ranges::copy(key, bytes.begin());
  for (unsigned char& byte : bytes)
    byte ^= constant;
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, bytes.data(), bytes.size());
  SecretBytes state(sizeof(State));
  std::memcpy(state.reveal_mutable().data(), context.h, sizeof(State));
  OPENSSL_cleanse(&context, sizeof context);
  return state;
}

/// Goes on from such a state to the end of `bytes`. What is left of it on the stack has been hashed over.
HmacSha256::Digest hash_on(const SecretBytes& state, std::span<const unsigned char> bytes) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::memcpy(context.h, state.reveal().data(), sizeof(State));
  context.Nl = 8 * kBlockBytes;  // so many bits are behind it
  SHA256_Update(&context, bytes.data(), bytes.size());
  HmacSha256::Digest digest{};
  SHA256_Final(digest.data(), &context);
  return digest;
}

}  // namespace

HmacSha256::HmacSha256(const SecretBytes& key) {
  Digest short_key{};
  std::span<const unsigned char> bytes = key.reveal();
  if (bytes.size() > kBlockBytes) bytes = short_key = sha256(bytes);
  inner_ = state_behind(bytes, kInner);
  outer_ = state_behind(bytes, kOuter);
  OPENSSL_cleanse(short_key.data(), short_key.size());
}

HmacSha256::Digest HmacSha256::operator()(std::string_view message) const {
  return hash_on(outer_,
                 hash_on(inner_, {reinterpret_cast<const unsigned char*>(message.data()), message.size()}));
}

}  // namespace blobvalet
