#include "fcgi/process_guard.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/secret.hpp"
#include "fcgi/file_descriptor.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {
namespace {

// 64 threads that read a token of 16 KiB each, trimmed copies included, take 2 MiB. Within the 8 MiB that
// systemd and the kernel let everybody lock; pages take memory when they are first used.
constexpr std::size_t kSecureHeapBytes = 4U << 20U;
constexpr std::size_t kSmallestBlock = 32;

std::string failure(std::string_view what) {
  return std::string(what).append(": ").append(std::strerror(errno));
}

void report_overflow() {
  static std::atomic_flag reported;
  if (!reported.test_and_set())
    Log::notice("secrets_exposed", "the memory for secrets is full; further ones may be swapped out");
}

std::string lock_secrets() {
  on_secret_overflow(report_overflow);
  switch (CRYPTO_secure_malloc_init(kSecureHeapBytes, kSmallestBlock)) {
    case 1: return {};
    case 2: return "secrets may be swapped out; allow 4 MiB of locked memory (LimitMEMLOCK=, ulimit -l)";
    default: return "secrets may be swapped out; there is no memory to lock";
  }
}

std::string forbid_core_images() {
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0 ? std::string() : failure("core images are not limited");
}

/// core(5). The kernel ignores the limit where a program takes the core images, and gcore always does.
std::string empty_core_images() {
  const FileDescriptor filter(::open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC));
  if (filter.valid() && ::write(filter.get(), "0", 1) == 1) return {};
  return failure("core images would hold memory: /proc/self/coredump_filter");
}

/// ptrace(2), "Ptrace access mode checking". From here on /proc/<pid> is root's, so this comes last.
std::string forbid_tracing() {
  return ::prctl(PR_SET_DUMPABLE, 0) == 0 ? std::string() : failure("the process can be traced");
}

}  // namespace

std::vector<std::string> guard_process() {
  std::vector<std::string> faults;
  for (const auto& step : {lock_secrets, forbid_core_images, empty_core_images, forbid_tracing}) {
    if (std::string fault = step(); !fault.empty()) faults.push_back(std::move(fault));
  }
  return faults;
}

void log_guard_faults(const std::vector<std::string>& faults) {
  for (const std::string& fault : faults)
    Log::notice("secrets_exposed", fault);
}

}  // namespace blobvalet::fcgi
