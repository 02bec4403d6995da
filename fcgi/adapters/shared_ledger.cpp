#include "fcgi/adapters/shared_ledger.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "fcgi/file_descriptor.hpp"
#include "fcgi/log.hpp"
#include "fcgi/system_clock.hpp"

namespace blobvalet::fcgi {

namespace fs = std::filesystem;

struct LedgerTable {
  static constexpr std::uint64_t kMagic = 0x31'52'47'44'4c'56'42'01;  // changes with the layout
  static constexpr std::size_t kSlots = 256;

  /// Fingerprint 0: free. Expiry in seconds since 1970; 0: none yet.
  struct Slot {
    std::atomic<std::uint64_t> fingerprint;
    std::atomic<std::int64_t> expiry;
  };

  std::uint64_t magic;
  std::int64_t since;
  std::array<Slot, kSlots> slots;
};

// Atomics that took a lock would keep it in each process, where it guards nothing.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::int64_t>::is_always_lock_free);
static_assert(sizeof(LedgerTable) == 16 + LedgerTable::kSlots * 16);

namespace {

using Slot = LedgerTable::Slot;

constexpr std::string_view kName = "ledger";
/// Long enough that no clock of ours or Azure's thinks otherwise.
constexpr std::chrono::hours kForgetAfter{1};
constexpr std::chrono::seconds kLookEvery{1};

std::int64_t number(UtcSeconds time) {
  return time.time_since_epoch().count();
}

UtcSeconds time_of(std::int64_t number) {
  return UtcSeconds(std::chrono::seconds(number));
}

/// Never 0, which says that a slot is free.
std::uint64_t id_of(KeyFingerprint key) {
  return key.number() == 0 ? 1 : key.number();
}

/// Calls `look` for each slot, beginning with the one where the key stands unless that was taken, until it
/// returns true; false if it never did.
template <class Slots, class Look>
bool any_slot(Slots& slots, std::uint64_t id, Look look) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (look(slots[(id + i) % slots.size()])) return true;
  }
  return false;
}

void raise(std::atomic<std::int64_t>& value, std::int64_t least) {
  std::int64_t seen = value.load();
  while (seen < least && !value.compare_exchange_weak(seen, least)) {
  }
}

/// Notes in the key's slot, if it has one.
bool note_in_own(LedgerTable& table, std::uint64_t id, std::int64_t expiry) {
  return any_slot(table.slots, id, [=](Slot& slot) {
    if (slot.fingerprint.load() != id) return false;
    raise(slot.expiry, expiry);
    return slot.fingerprint.load() == id;  // unless another key has got it meanwhile
  });
}

/// What a slot held when another key got it, for the key that lost it.
struct Evicted {
  std::uint64_t id = 0;
  std::int64_t expiry = 0;
};

/// Gives the key a slot that is free or whose SAS have expired long ago, and notes there.
bool note_in_new(LedgerTable& table, std::uint64_t id, std::int64_t expiry, std::int64_t forgotten,
                 Evicted& evicted) {
  return any_slot(table.slots, id, [&](Slot& slot) {
    std::uint64_t owner = slot.fingerprint.load();
    const std::int64_t last = slot.expiry.load();
    if (owner != 0 && owner != id && last > forgotten) return false;
    if (owner != id && !slot.fingerprint.compare_exchange_strong(owner, id) && owner != id) return false;
    // Whoever has noted for the old key before it lost the slot has been told that all is well.
    if (const std::int64_t latest = slot.expiry.load(); owner != id && owner != 0 && latest > forgotten)
      evicted = {owner, latest};
    raise(slot.expiry, expiry);
    return true;
  });
}

bool note_in(LedgerTable& table, std::uint64_t id, std::int64_t expiry, std::int64_t forgotten) {
  if (note_in_own(table, id, expiry)) return true;
  Evicted evicted;
  const bool noted = note_in_new(table, id, expiry, forgotten, evicted);
  if (evicted.id != 0) note_in(table, evicted.id, evicted.expiry, forgotten);
  return noted;
}

std::string failure(const fs::path& path) {
  return path.string() + ": " + std::strerror(errno);
}

bool is_ledger(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_size < static_cast<off_t>(sizeof(LedgerTable))) return false;
  std::uint64_t magic = 0;
  return ::pread(fd, &magic, sizeof magic, 0) == sizeof magic && magic == LedgerTable::kMagic;
}

bool write_words(int fd, std::span<const std::uint64_t> words) {
  errno = ENOSPC;  // unless the kernel says otherwise
  return ::pwrite(fd, words.data(), words.size_bytes(), 0) == static_cast<ssize_t>(words.size_bytes());
}

/// Makes a ledger of an empty file, or of whatever else it holds: in its place, since it may be the only file
/// here that a worker may write. The file never becomes shorter, so that nobody who has mapped it is hurt.
/// Its pages are written rather than left as holes: a disk that is full shows now and not as SIGBUS later.
bool fill(int fd) {
  std::array<std::uint64_t, sizeof(LedgerTable) / sizeof(std::uint64_t)> words{};
  words[1] = static_cast<std::uint64_t>(number(SystemClock().now()));
  if (!write_words(fd, words)) return false;
  words[0] = LedgerTable::kMagic;  // last: from now on it counts
  return write_words(fd, std::span(words).first(1));
}

FileDescriptor open_file(const fs::path& path, int flags) {
  return FileDescriptor(::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
}

bool is_at(const fs::path& path, std::uint64_t inode) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && status.st_ino == inode;
}

/// A ledger, made if need be; invalid, with errno set, if that cannot be. Of several workers that find none
/// one makes it, and the others wait for that.
FileDescriptor open_or_make(const fs::path& path) {
  FileDescriptor file = open_file(path, O_RDWR | O_CREAT);
  if (!file.valid() || is_ledger(file.get())) return file;
  if (::flock(file.get(), LOCK_EX) != 0) return {};
  const bool made = is_ledger(file.get()) || fill(file.get());
  ::flock(file.get(), LOCK_UN);
  return made ? std::move(file) : FileDescriptor();
}

}  // namespace

std::unique_ptr<LedgerFile> LedgerFile::map(const fs::path& path, int fd, int protection) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return nullptr;
  void* memory = ::mmap(nullptr, sizeof(LedgerTable), protection, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return nullptr;
  return std::unique_ptr<LedgerFile>(new LedgerFile(path, static_cast<LedgerTable*>(memory), status.st_ino));
}

std::unique_ptr<LedgerFile> LedgerFile::open(const fs::path& directory, std::string& fault) {
  const fs::path path = directory / kName;
  (void)::mkdir(directory.c_str(), 0700);  // mostly it is there
  const FileDescriptor file = open_or_make(path);
  auto ledger = file.valid() ? map(path, file.get(), PROT_READ | PROT_WRITE) : nullptr;
  if (ledger == nullptr) fault = failure(path);
  return ledger;
}

std::unique_ptr<const LedgerFile> LedgerFile::open_to_read(const fs::path& directory) {
  const fs::path path = directory / kName;
  const FileDescriptor file = open_file(path, O_RDONLY);
  return file.valid() && is_ledger(file.get()) ? map(path, file.get(), PROT_READ) : nullptr;
}

LedgerFile::~LedgerFile() {
  ::munmap(table_, sizeof(LedgerTable));
}

bool LedgerFile::issued(KeyFingerprint key, UtcSeconds expiry, UtcSeconds now) {
  return note_in(*table_, id_of(key), number(expiry), number(now - kForgetAfter));
}

bool LedgerFile::covers(KeyFingerprint key, UtcSeconds expiry) const {
  const std::uint64_t id = id_of(key);
  const Slot& slot = table_->slots[id % LedgerTable::kSlots];
  return slot.fingerprint.load(std::memory_order_relaxed) == id &&
         slot.expiry.load(std::memory_order_relaxed) >= number(expiry);
}

std::optional<UtcSeconds> LedgerFile::last_expiry(KeyFingerprint key) const {
  std::int64_t last = 0;
  const std::uint64_t id = id_of(key);
  any_slot(std::as_const(table_->slots), id, [&](const Slot& slot) {
    if (slot.fingerprint.load() == id) last = std::max(last, slot.expiry.load());
    return false;
  });
  return last == 0 ? std::nullopt : std::optional(time_of(last));
}

UtcSeconds LedgerFile::since() const {
  return time_of(table_->since);
}

bool LedgerFile::is_orphaned() const {
  return !is_at(path_, inode_);
}

SharedLedger::SharedLedger(fs::path directory) : directory_(std::move(directory)) {
  open_again(SystemClock().now());
}

void SharedLedger::issued(KeyFingerprint key, UtcSeconds expiry) {
  const LedgerFile* file = current_.load(std::memory_order_acquire);
  const bool is_known =
      file == nullptr ? number(expiry) <= missed_.load(std::memory_order_relaxed) : file->covers(key, expiry);
  if (!is_known) note(key, expiry);
}

/// At most once a second for each key, but for keys whose slot is not their own.
void SharedLedger::note(KeyFingerprint key, UtcSeconds expiry) {
  const UtcSeconds now = SystemClock().now();
  open_again(now);
  LedgerFile* file = current_.load(std::memory_order_acquire);
  if (file == nullptr) return raise(missed_, number(expiry));
  file->issued(key, expiry, now);
}

/// Looks once a second whether the file is still in its place, since `blobvalet keys renew` and its directory
/// may come and go while this worker runs.
void SharedLedger::open_again(UtcSeconds now) {
  const std::lock_guard lock(mutex_);
  if (now >= looked_at_ && now - looked_at_ < kLookEvery) return;
  looked_at_ = now;
  const LedgerFile* before = current_.load();
  if (before != nullptr && !before->is_orphaned()) return;
  std::string fault;
  auto file = LedgerFile::open(directory_, fault);
  if (!fault.empty() && fault != fault_) Log::notice("no_ledger", fault);
  fault_ = fault;
  current_.store(file.get(), std::memory_order_release);
  if (file != nullptr) files_.push_back(std::move(file));
}

std::optional<UtcSeconds> SharedLedger::last_expiry(KeyFingerprint key) const {
  const LedgerFile* file = current_.load(std::memory_order_acquire);
  return file == nullptr ? std::nullopt : file->last_expiry(key);
}

void SharedLedger::move_to(fs::path directory) {
  const std::lock_guard lock(mutex_);
  if (directory == directory_) return;
  directory_ = std::move(directory);
  current_.store(nullptr);
  missed_.store(0);
  looked_at_ = {};
}

}  // namespace blobvalet::fcgi
