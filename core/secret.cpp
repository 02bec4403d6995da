#include "core/secret.hpp"

#include <openssl/crypto.h>

#include <utility>

namespace blobvalet {

SecretBytes::SecretBytes(std::size_t size)
    : bytes_(std::make_unique<unsigned char[]>(size)), size_(size), capacity_(size) {}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : bytes_(std::move(other.bytes_)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  wipe();
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

void SecretBytes::shrink(std::size_t size) {
  if (size >= size_) return;
  OPENSSL_cleanse(bytes_.get() + size, size_ - size);
  size_ = size;
}

// A plain memset before a free may be optimised away; OpenSSL's cleanse is not.
void SecretBytes::wipe() {
  if (bytes_) OPENSSL_cleanse(bytes_.get(), capacity_);
}

}  // namespace blobvalet
