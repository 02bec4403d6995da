#include "core/secret.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <atomic>
#include <new>
#include <utility>

namespace blobvalet {
namespace {

std::atomic<void (*)()> overflow_report = nullptr;

unsigned char* allocate(std::size_t size) {
  // Without a secure heap this is the ordinary one.
  if (void* block = OPENSSL_secure_zalloc(size)) return static_cast<unsigned char*>(block);
  void* block = OPENSSL_zalloc(size);
  if (block == nullptr) throw std::bad_alloc();
  if (auto* const report = overflow_report.load()) report();
  return static_cast<unsigned char*>(block);
}

}  // namespace

// Even no bytes have an address: OpenSSL takes a null key for "the same as before".
SecretBytes::SecretBytes(std::size_t size)
    : bytes_(allocate(std::max<std::size_t>(size, 1)), WipeAndFree{size}), size_(size) {}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = std::move(other.bytes_);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void SecretBytes::shrink(std::size_t size) {
  if (size >= size_) return;
  OPENSSL_cleanse(bytes_.get() + size, size_ - size);
  size_ = size;
}

// It knows by the address which heap a block is of.
void SecretBytes::WipeAndFree::operator()(unsigned char* bytes) const {
  OPENSSL_secure_clear_free(bytes, capacity);
}

void on_secret_overflow(void (*report)()) {
  overflow_report = report;
}

}  // namespace blobvalet
