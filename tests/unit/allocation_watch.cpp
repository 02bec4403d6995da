#include "tests/unit/allocation_watch.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdlib>
#include <new>

// The program's operators new and delete, and OpenSSL's, replaced so that a test or benchmark can see what is
// allocated, and what memory holds when it is given back.
namespace {

struct Watch {
  bool counting = false;
  std::size_t calls = 0;
  std::size_t bytes = 0;
  const unsigned char* block = nullptr;
  std::size_t size = 0;
  bool deleted = false;
  bool wiped = false;
};
thread_local Watch watch;

void count(std::size_t size) noexcept {
  if (!watch.counting) return;
  ++watch.calls;
  watch.bytes += size;
}

void* take(std::size_t size) noexcept {
  count(size);
  return std::malloc(size == 0 ? 1 : size);
}

void* take_or_throw(std::size_t size) {
  if (void* memory = take(size)) return memory;
  throw std::bad_alloc();
}

void give_back(void* memory) noexcept {
  if (memory != nullptr && memory == watch.block) {
    watch.deleted = true;
    watch.wiped =
        std::all_of(watch.block, watch.block + watch.size, [](unsigned char byte) { return byte == 0; });
    watch.block = nullptr;
  }
  std::free(memory);
}

// OpenSSL's ordinary heap, where SecretBytes live as long as nobody sets up the secure one. It takes other
// functions only before its first use.
void* openssl_malloc(std::size_t size, const char*, int) {
  count(size);
  constexpr std::size_t kNobodyHas = std::size_t{1} << 40U;  // a sanitizer would abort instead of refusing
  return size < kNobodyHas ? std::malloc(size) : nullptr;
}
void* openssl_realloc(void* memory, std::size_t size, const char*, int) {
  count(size);
  return std::realloc(memory, size);
}
void openssl_free(void* memory, const char*, int) {
  give_back(memory);
}
[[gnu::constructor(101)]] void watch_openssl() {
  if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1) std::abort();
}

}  // namespace

void* operator new(std::size_t size) {
  return take_or_throw(size);
}
void* operator new[](std::size_t size) {
  return take_or_throw(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return take(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return take(size);
}
void operator delete(void* memory) noexcept {
  give_back(memory);
}
void operator delete[](void* memory) noexcept {
  give_back(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  give_back(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  give_back(memory);
}

namespace blobvalet::testing {

AllocationCount::AllocationCount() {
  watch.calls = watch.bytes = 0;
  watch.counting = true;
}
AllocationCount::~AllocationCount() {
  watch.counting = false;
}
std::size_t AllocationCount::calls() const {
  return watch.calls;
}
std::size_t AllocationCount::bytes() const {
  return watch.bytes;
}

DeleteWatch::DeleteWatch(const void* block, std::size_t size) {
  watch.block = static_cast<const unsigned char*>(block);
  watch.size = size;
  watch.deleted = watch.wiped = false;
}
DeleteWatch::~DeleteWatch() {
  watch.block = nullptr;
}
bool DeleteWatch::deleted() const {
  return watch.deleted;
}
bool DeleteWatch::was_wiped() const {
  return watch.wiped;
}

}  // namespace blobvalet::testing
