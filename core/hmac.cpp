#include "core/hmac.hpp"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <stdexcept>

namespace blobvalet {
namespace {

struct FreeMac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};

EVP_MAC_CTX* new_context() {
  const std::unique_ptr<EVP_MAC, FreeMac> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  return mac ? EVP_MAC_CTX_new(mac.get()) : nullptr;
}

void require(bool success) {
  if (!success) throw std::runtime_error("OpenSSL: HMAC-SHA256 failed");
}

}  // namespace

HmacSha256::HmacSha256(const SecretBytes& key) : context_(new_context()) {
  require(context_ != nullptr);
  char digest_name[] = "SHA256";
  const std::array params{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                          OSSL_PARAM_construct_end()};
  require(EVP_MAC_init(context_.get(), key.reveal().data(), key.size(), params.data()) == 1);
}

HmacSha256::Digest HmacSha256::operator()(std::string_view message) {
  // A null key starts a new message under the key that the context already holds.
  require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
  require(EVP_MAC_update(context_.get(), reinterpret_cast<const unsigned char*>(message.data()),
                         message.size()) == 1);
  Digest digest{};
  std::size_t written = 0;
  require(EVP_MAC_final(context_.get(), digest.data(), &written, digest.size()) == 1);
  require(written == digest.size());
  return digest;
}

}  // namespace blobvalet
