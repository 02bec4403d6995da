#include "fcgi/adapters/shared_limits.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "core/siphash.hpp"
#include "fcgi/file_descriptor.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {

namespace fs = std::filesystem;
using std::chrono::nanoseconds;

struct LimitSlots {
  static constexpr std::uint64_t kMagic = 0x31'4d'49'4c'56'42'01'01;  // changes with the layout

  struct Slot {
    std::atomic<std::uint64_t> identity;  ///< its hash; 0: free
    std::atomic<std::int64_t> full_at;    ///< nanoseconds
  };

  std::uint64_t magic;
  std::uint64_t reserved;
  std::array<std::uint64_t, 2> hash_key;
  std::array<Slot, LimitFile::kSlots> slots;
};

// Atomics that took a lock would keep it in each process, where it guards nothing.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);
static_assert(sizeof(LimitSlots) == 32 + LimitFile::kSlots * 16);

namespace {

using Slot = LimitSlots::Slot;

/// No budget takes longer to be whole again (core/config_limits.cpp); what is later is of another boot's
/// clock.
constexpr std::chrono::hours kLongestSpan{24 * 30};

Slot& slot_at(LimitSlots& table, std::uint64_t identity, std::size_t place) {
  return table.slots[(identity + place) % LimitFile::kSlots];
}

/// The first slot at or behind `from` where the identity stands; null if there is none.
Slot* find(LimitSlots& table, std::uint64_t identity, std::size_t from = 0) {
  for (std::size_t place = from; place < LimitFile::kWindow; ++place) {
    Slot& slot = slot_at(table, identity, place);
    if (slot.identity.load() == identity) return &slot;
  }
  return nullptr;
}

void raise(std::atomic<std::int64_t>& value, std::int64_t least) {
  std::int64_t seen = value.load();
  while (seen < least && !value.compare_exchange_weak(seen, least)) {
  }
}

/// A slot and what stood there.
struct Candidate {
  Slot* slot = nullptr;
  std::uint64_t owner = 0;
  std::int64_t full_at = std::numeric_limits<std::int64_t>::max();
};

/// The first slot that nobody misses; if there is none, that of the identity which has used least.
Candidate choose(LimitSlots& table, std::uint64_t identity, nanoseconds now) {
  Candidate least;
  for (std::size_t place = 0; place < LimitFile::kWindow; ++place) {
    Slot& slot = slot_at(table, identity, place);
    const Candidate seen{&slot, slot.identity.load(), slot.full_at.load()};
    const bool is_whole = seen.full_at <= now.count() || nanoseconds(seen.full_at) - now > kLongestSpan;
    if (seen.owner == 0 || is_whole) return seen;
    if (seen.full_at < least.full_at) least = seen;
  }
  return least;
}

/// Two workers that meet a new identity at the same moment may each give it a slot, if a third one frees a
/// slot in between. Then the first slot stays.
void unite(LimitSlots& table, std::uint64_t identity) {
  Slot* first = find(table, identity);
  if (first == nullptr) return;
  for (std::size_t place = 0; place < LimitFile::kWindow; ++place) {
    Slot& slot = slot_at(table, identity, place);
    if (&slot == first || slot.identity.load() != identity) continue;
    raise(first->full_at, slot.full_at.load());
    std::uint64_t expected = identity;
    slot.identity.compare_exchange_strong(expected, 0);
  }
}

/// Gives the identity a slot with a whole budget. Another worker may be faster, with this slot or for this
/// identity.
void claim(LimitSlots& table, std::uint64_t identity, nanoseconds now) {
  Candidate chosen = choose(table, identity, now);
  if (!chosen.slot->identity.compare_exchange_strong(chosen.owner, identity)) return;
  if (chosen.full_at > now.count()) chosen.slot->full_at.compare_exchange_strong(chosen.full_at, now.count());
  unite(table, identity);
}

RateStep take_in(Slot& slot, const RateLimit& limit, nanoseconds now) {
  std::int64_t seen = slot.full_at.load();
  for (;;) {
    const RateStep step = take_request(nanoseconds(seen), now, limit);
    if (step.full_at.count() == seen || slot.full_at.compare_exchange_weak(seen, step.full_at.count()))
      return step;
  }
}

/// Whoever is counted in a slot that has become another's meanwhile is counted once more, in the right one.
LimitVerdict take_from(LimitSlots& table, std::uint64_t identity, const RateLimit& limit, nanoseconds now) {
  constexpr int kAttempts = 16;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Slot* slot = find(table, identity);
    if (slot == nullptr) {
      claim(table, identity, now);
      continue;
    }
    const RateStep step = take_in(*slot, limit, now);
    if (slot->identity.load() != identity) continue;
    if (step.allowed) return {LimitVerdict::Kind::allowed, {}};
    return {LimitVerdict::Kind::limited, step.retry_after};
  }
  return {LimitVerdict::Kind::unavailable, {}};
}

bool holds_table(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_size < static_cast<off_t>(sizeof(LimitSlots))) return false;
  std::uint64_t magic = 0;
  return ::pread(fd, &magic, sizeof magic, 0) == sizeof magic && magic == LimitSlots::kMagic;
}

bool write_words(int fd, const std::vector<std::uint64_t>& words, std::size_t count) {
  const std::size_t bytes = count * sizeof(std::uint64_t);
  errno = ENOSPC;  // unless the kernel says otherwise
  return ::pwrite(fd, words.data(), bytes, 0) == static_cast<ssize_t>(bytes);
}

/// Makes a table of an empty file, or of whatever else it holds: in its place, since it may be the only file
/// here that a worker may write. Its pages are written rather than left as holes: memory that is full shows
/// now and not as SIGBUS later.
bool fill(int fd) {
  std::vector<std::uint64_t> words(sizeof(LimitSlots) / sizeof(std::uint64_t));
  constexpr std::size_t kHashKey = 2;
  constexpr std::size_t kHashKeyBytes = 16;
  if (::getrandom(&words[kHashKey], kHashKeyBytes, 0) != static_cast<ssize_t>(kHashKeyBytes)) return false;
  if (!write_words(fd, words, words.size())) return false;
  words[0] = LimitSlots::kMagic;  // last: from now on it counts
  return write_words(fd, words, 1);
}

/// A file with a table; invalid, with errno set, if that cannot be. Of several workers that find none one
/// makes it, and the others wait for that.
FileDescriptor open_or_make(const fs::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!file.valid() || holds_table(file.get())) return file;
  if (::flock(file.get(), LOCK_EX) != 0) return {};
  const bool made = holds_table(file.get()) || fill(file.get());
  ::flock(file.get(), LOCK_UN);
  return made ? std::move(file) : FileDescriptor();
}

/// The same for all processes of a machine, and it never goes back.
nanoseconds monotonic_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace

std::unique_ptr<LimitFile> LimitFile::open(const fs::path& path, std::string& fault) {
  const FileDescriptor file = open_or_make(path);
  struct stat status {};
  void* memory = MAP_FAILED;
  if (file.valid() && ::fstat(file.get(), &status) == 0)
    memory = ::mmap(nullptr, sizeof(LimitSlots), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) {
    fault = path.string() + ": " + std::strerror(errno);
    return nullptr;
  }
  return std::unique_ptr<LimitFile>(new LimitFile(path, static_cast<LimitSlots*>(memory), status.st_ino));
}

LimitFile::~LimitFile() {
  ::munmap(slots_, sizeof(LimitSlots));
}

LimitVerdict LimitFile::take(std::string_view identity, const RateLimit& limit, nanoseconds now) {
  const std::uint64_t hash = siphash(slots_->hash_key, identity);
  return take_from(*slots_, hash == 0 ? 1 : hash, limit, now);
}

bool LimitFile::is_orphaned() const {
  struct stat status {};
  return ::lstat(path_.c_str(), &status) != 0 || status.st_ino != inode_;
}

SharedLimits::SharedLimits(fs::path path) : path_(std::move(path)) {
  open_again();
}

LimitVerdict SharedLimits::take(std::string_view identity, const RateLimit& limit) {
  const nanoseconds now = monotonic_now();
  LimitFile* table = file(now);
  return table == nullptr ? LimitVerdict{LimitVerdict::Kind::unavailable, {}}
                          : table->take(identity, limit, now);
}

/// Looks once a second whether the file is still in its place.
LimitFile* SharedLimits::file(nanoseconds now) {
  constexpr nanoseconds kLookEvery = std::chrono::seconds(1);
  std::int64_t due = look_again_at_.load(std::memory_order_relaxed);
  if (now.count() >= due && look_again_at_.compare_exchange_strong(due, (now + kLookEvery).count()))
    open_again();
  return current_.load(std::memory_order_acquire);
}

void SharedLimits::open_again() {
  const std::lock_guard lock(mutex_);
  const LimitFile* before = current_.load();
  if (before != nullptr && !before->is_orphaned()) return;
  std::string fault;
  auto file = LimitFile::open(path_, fault);
  if (!fault.empty() && fault != fault_) Log::notice("limits_unavailable", fault);
  if (fault.empty() && !fault_.empty()) Log::notice("limits_available", path_.string());
  fault_ = fault;
  current_.store(file.get(), std::memory_order_release);
  if (file != nullptr) files_.push_back(std::move(file));
}

}  // namespace blobvalet::fcgi
