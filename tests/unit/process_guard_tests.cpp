#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>

#include "core/hmac.hpp"
#include "fcgi/file_descriptor.hpp"
#include "fcgi/process_guard.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

/// What `look` finds in a process of its own: a guarded process stays so.
std::string in_child(const std::function<std::string()>& look) {
  std::array<int, 2> ends{};
  BOOST_REQUIRE_EQUAL(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string found = look();
    (void)!::write(ends[1], found.data(), found.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string found(4096, '\0');
  const ssize_t size = ::read(ends[0], found.data(), found.size());
  ::close(ends[0]);
  BOOST_REQUIRE_EQUAL(::waitpid(child, nullptr, 0), child);
  found.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return found;
}

std::string file_text(const char* name) {
  std::ostringstream text;
  text << std::ifstream(name).rdbuf();
  return text.str();
}

std::size_t count_of(std::span<const unsigned char> what, std::span<const unsigned char> within) {
  std::size_t count = 0;
  const std::boyer_moore_horspool_searcher search(what.begin(), what.end());
  for (auto at = within.begin();; ++at, ++count) {
    at = std::search(at, within.end(), search);
    if (at == within.end()) return count;
  }
}

SecretBytes random_key() {
  SecretBytes key(64);
  BOOST_REQUIRE(RAND_bytes(key.reveal_mutable().data(), static_cast<int>(key.size())) == 1);
  return key;
}

struct Mapping {
  std::uintptr_t first = 0;
  std::uintptr_t last = 0;
  std::string rights;
  [[nodiscard]] bool holds(const void* address) const {
    const auto place = reinterpret_cast<std::uintptr_t>(address);
    return first <= place && place < last;
  }
};

/// The kernel's flags of the mapping that `address` is in, proc(5).
std::string flags_at(const void* address) {
  std::ifstream maps("/proc/self/smaps");
  bool is_here = false;
  for (std::string line; std::getline(maps, line);) {
    Mapping mapping;
    char minus = ' ';
    const bool is_head = !!(std::istringstream(line) >> std::hex >> mapping.first >> minus >> mapping.last);
    if (is_head) is_here = mapping.holds(address);
    if (is_here && line.starts_with("VmFlags:")) return line + " ";
  }
  return "no such mapping";
}

/// All of this process's memory that it may read and write, but for what sanitizers reserve.
std::vector<Mapping> written_memory() {
  constexpr std::uintptr_t kHuge = 1U << 30U;
  std::vector<Mapping> mappings;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    Mapping mapping;
    char minus = ' ';
    std::istringstream(line) >> std::hex >> mapping.first >> minus >> mapping.last >> mapping.rights;
    if (mapping.rights.starts_with("rw") && mapping.last - mapping.first < kHuge) mappings.push_back(mapping);
  }
  return mappings;
}

/// Read through `memory`, /proc/self/mem, since a sanitizer would object to looking into freed blocks.
std::size_t count_in(const Mapping& mapping, int memory, const SecretBytes& key) {
  std::size_t count = 0;
  SecretBytes window(1U << 20U);
  for (std::uintptr_t at = mapping.first; at < mapping.last; at += window.size() - key.size() + 1) {
    const std::size_t left = std::min<std::size_t>(window.size(), mapping.last - at);
    const ssize_t size = ::pread(memory, window.reveal_mutable().data(), left, static_cast<off_t>(at));
    if (size > 0) count += count_of(key.reveal(), window.reveal().first(static_cast<std::size_t>(size)));
  }
  return count;
}

/// How often `key` stands anywhere but in the heap that it is in itself.
std::size_t copies_elsewhere(const SecretBytes& key, const FileDescriptor& memory) {
  std::size_t copies = 0;
  for (const Mapping& mapping : written_memory()) {
    if (!mapping.holds(key.reveal().data())) copies += count_in(mapping, memory.get(), key);
  }
  return copies;
}

/// The key as HMAC hashes it (RFC 2104).
SecretBytes block_of(const SecretBytes& key, unsigned char constant) {
  SecretBytes block(key.size());
  std::ranges::transform(key.reveal(), block.reveal_mutable().begin(),
                         [&](unsigned char byte) { return static_cast<unsigned char>(byte ^ constant); });
  return block;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines)
    text.append(line).append("\n");
  return text;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void limit_locked_memory(rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  (void)::setrlimit(RLIMIT_MEMLOCK, &limit);
}

/// As spawn-fcgi starts a worker: to take another user makes /proc/self root's, to start a program undoes
/// that.
void become_nobody() {
  if (::geteuid() == 0) (void)!::setuid(65534);
  (void)::prctl(PR_SET_DUMPABLE, 1);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process_guard_tests)

BOOST_AUTO_TEST_CASE(nothing_is_left_to_wish_for) {
  BOOST_TEST(in_child([] { return joined(guard_process()); }) == "");
}

BOOST_AUTO_TEST_CASE(secrets_are_locked_and_in_no_core_image) {
  const std::string flags = in_child([] {
    (void)guard_process();
    const SecretBytes key = secret("a key");
    return flags_at(key.reveal().data());
  });
  BOOST_TEST(has(flags, " lo "), flags);
  BOOST_TEST(has(flags, " dd "), flags);
}

BOOST_AUTO_TEST_CASE(without_the_guard_they_are_neither) {
  const SecretBytes key = secret("a key");
  const std::string flags = flags_at(key.reveal().data());
  BOOST_TEST(has(flags, "VmFlags:"), flags);
  BOOST_TEST(!has(flags, " lo "), flags);
  BOOST_TEST(!has(flags, " dd "), flags);
}

BOOST_AUTO_TEST_CASE(a_signer_keeps_no_copy_of_its_key_elsewhere) {
  BOOST_TEST(in_child([] {
               const FileDescriptor memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
               (void)guard_process();
               const SecretBytes key = random_key();
               HmacSha256 hmac(key);
               (void)hmac("a message");
               std::size_t copies = copies_elsewhere(key, memory);
               for (const unsigned char constant : {std::uint8_t{0x36}, std::uint8_t{0x5c}})
                 copies += copies_elsewhere(block_of(key, constant), memory);
               const auto plain = std::make_unique<unsigned char[]>(key.size());
               std::ranges::copy(key.reveal(), plain.get());
               return std::to_string(copies) + ", then " + std::to_string(copies_elsewhere(key, memory));
             }) == "0, then 1");
}

BOOST_AUTO_TEST_CASE(nobody_can_look_into_the_process) {
  const std::string found = in_child([] {
    (void)guard_process();
    rlimit cores{};
    (void)::getrlimit(RLIMIT_CORE, &cores);
    return std::to_string(cores.rlim_cur) + " " + std::to_string(cores.rlim_max) + " " +
           std::to_string(::prctl(PR_GET_DUMPABLE)) + " " + file_text("/proc/self/coredump_filter");
  });
  BOOST_TEST(found == "0 0 0 00000000\n");
}

// The log opens its standard error once more.
BOOST_AUTO_TEST_CASE(the_process_can_still_open_its_own_descriptors) {
  BOOST_TEST(in_child([] {
               become_nobody();
               (void)guard_process();
               std::array<int, 2> ends{};
               if (::pipe(ends.data()) != 0) return "no pipe";
               const std::ofstream again("/proc/self/fd/" + std::to_string(ends[1]));
               return again ? "yes" : "no";
             }) == "yes");
}

BOOST_AUTO_TEST_CASE(secrets_that_cannot_be_locked_are_reported) {
  const std::string faults = in_child([] {
    limit_locked_memory(0);
    become_nobody();  // root may lock whatever the limit says
    return joined(guard_process());
  });
  BOOST_TEST(faults ==
             "secrets may be swapped out; allow 4 MiB of locked memory (LimitMEMLOCK=, ulimit -l)\n");
}

BOOST_AUTO_TEST_CASE(a_full_heap_holds_no_secret_back) {
  static int reports = 0;
  const std::string found = in_child([] {
    (void)guard_process();
    on_secret_overflow([] { ++reports; });
    std::vector<SecretBytes> secrets;
    while (reports == 0 && secrets.size() < 10'000)
      secrets.emplace_back(4096);
    const bool usable = secrets.back().reveal_mutable()[4095] == 0;
    const std::size_t held = secrets.size();
    secrets.clear();
    const SecretBytes after(4096);
    const bool inside = CRYPTO_secure_allocated(after.reveal().data()) == 1;
    return std::to_string(reports) + (held > 500 ? " many" : " few") + (usable ? " usable" : " broken") +
           (inside ? " inside" : " outside") + " " + std::to_string(CRYPTO_secure_used() / 4096);
  });
  BOOST_TEST(found == "1 many usable inside 1");
}

BOOST_AUTO_TEST_CASE(a_secret_larger_than_the_heap_is_reported) {
  static int reports = 0;
  BOOST_TEST(in_child([] {
               (void)guard_process();
               on_secret_overflow([] { ++reports; });
               const SecretBytes huge(64U << 20U);
               return std::to_string(huge.size() >> 20U) + " " + std::to_string(reports);
             }) == "64 1");
}

BOOST_AUTO_TEST_SUITE_END()
