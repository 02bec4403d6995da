#include "tests/bench/micro/allocations.hpp"

#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

// The program's operators new and delete, and OpenSSL's functions, replaced to count. Nothing here has a
// second thread.
namespace {

std::size_t calls = 0;
std::size_t bytes = 0;

void* take(std::size_t size) noexcept {
  ++calls;
  bytes += size;
  return std::malloc(size == 0 ? 1 : size);
}

void* take_or_throw(std::size_t size) {
  if (void* memory = take(size)) return memory;
  throw std::bad_alloc();
}

void* openssl_malloc(std::size_t size, const char*, int) {
  return take(size);
}
void* openssl_realloc(void* memory, std::size_t size, const char*, int) {
  ++calls;
  bytes += size;
  return std::realloc(memory, size);
}
void openssl_free(void* memory, const char*, int) {
  std::free(memory);
}
// OpenSSL takes other functions only before its first use.
[[gnu::constructor(101)]] void count_openssl() {
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
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace blobvalet::bench {

AllocationCounters::AllocationCounters(benchmark::State& state) : state_(state) {
  calls = bytes = 0;
}

AllocationCounters::~AllocationCounters() {
  // Before the counters themselves allocate.
  const auto taken = static_cast<double>(calls);
  const auto size = static_cast<double>(bytes);
  state_.counters["allocs"] = benchmark::Counter(taken, benchmark::Counter::kAvgIterations);
  state_.counters["bytes"] = benchmark::Counter(size, benchmark::Counter::kAvgIterations);
}

}  // namespace blobvalet::bench
