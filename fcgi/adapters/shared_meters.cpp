#include "fcgi/adapters/shared_meters.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <map>
#include <set>
#include <thread>

namespace blobvalet::fcgi {

namespace fs = std::filesystem;

struct MetersTable {
  static constexpr std::uint64_t kMagic = 0x53'52'54'4d'2d'56'42'0a;  // "\nBV-MTRS" in memory
  static constexpr std::uint64_t kLayout = 1;                         // changes with what follows
  static constexpr std::size_t kFigures = SharedMeters::kFigures;
  static constexpr std::size_t kPlaces = SharedMeters::kPlaces;
  static constexpr std::size_t kPage = 4096;

  /// A name, written once and never changed.
  struct Figure {
    enum State : std::uint32_t { kFree, kWriting, kReady };
    std::atomic<std::uint32_t> state;
    std::uint32_t configured;
    std::array<char, 248> text;  ///< the kind's letter, the sample, zeroes
  };
  struct Owner {
    std::atomic<std::uint64_t> used;  ///< has been somebody's
    std::atomic<std::uint64_t> revision;
  };
  struct alignas(kPage) Place {
    std::array<Meter, kFigures> meters;
  };

  std::uint64_t magic;
  std::uint64_t layout;
  alignas(64) std::array<Owner, kPlaces> owners;
  alignas(kPage) std::array<Figure, kFigures> figures;
  alignas(kPage) std::array<Place, kPlaces> places;
};

// Atomics that took a lock would keep it in each process, where it guards nothing.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(Meter) == 8 && sizeof(MetersTable::Figure) == 256 && sizeof(MetersTable::Place) == 8192);

namespace {

using Figure = MetersTable::Figure;

/// What every worker needs; places are made one by one.
constexpr std::size_t kCommonBytes = offsetof(MetersTable, places);
constexpr std::chrono::milliseconds kPatience{1000};

std::string failure(const fs::path& path) {
  return path.string() + ": " + std::strerror(errno);
}

FileDescriptor open_file(const fs::path& path) {
  return FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
}

/// The lock on a place, or on `count` of them; a lock of the open file, so that the threads of a process
/// share it.
struct flock lock_on(short type, std::size_t place, std::size_t count = 1) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(place);
  lock.l_len = static_cast<off_t>(count);
  return lock;
}

bool is_locked_by_others(int fd, std::size_t place, std::size_t count = 1) {
  struct flock lock = lock_on(F_WRLCK, place, count);
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/// Whoever makes the file, or takes a place in it, does so alone. Not for ever: a lock of somebody else must
/// not keep a worker from starting.
bool wait_for_turn(int fd) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Allocated rather than left as holes: a disk that is full shows now and not as SIGBUS later.
bool allocate(int fd, std::size_t from, std::size_t bytes) {
  errno = ::posix_fallocate(fd, static_cast<off_t>(from), static_cast<off_t>(bytes));
  return errno == 0;
}

struct Header {
  std::uint64_t magic = 0;
  std::uint64_t layout = 0;
};

/// Empties the file, or what a version before has left in it.
bool fill(int fd) {
  if (::ftruncate(fd, 0) != 0) return false;
  if (::ftruncate(fd, sizeof(MetersTable)) != 0 || !allocate(fd, 0, kCommonBytes)) return false;
  const Header header{MetersTable::kMagic, MetersTable::kLayout};
  return ::pwrite(fd, &header, sizeof header, 0) == sizeof header;
}

/// Makes the file what we can use, if it may be; the turn is ours.
bool make_usable(int fd, std::string& why_not) {
  struct stat status {};
  Header header;
  if (::fstat(fd, &status) != 0) return false;
  if (!S_ISREG(status.st_mode)) {
    why_not = "is not a regular file";
    return false;
  }
  if (status.st_size == 0) return fill(fd);
  const bool is_read = ::pread(fd, &header, sizeof header, 0) == sizeof header;
  if (!is_read || header.magic != MetersTable::kMagic) {
    why_not = "holds something else; it is left alone";
    return false;
  }
  const bool is_ours =
      header.layout == MetersTable::kLayout && status.st_size == static_cast<off_t>(sizeof(MetersTable));
  if (is_ours) return true;
  if (!is_locked_by_others(fd, 0, MetersTable::kPlaces)) return fill(fd);
  why_not = "workers of another version use it; restart them, then this one";
  return false;
}

// Memory is lost when somebody cuts the file short: touching it then is SIGBUS. Its place is taken by memory
// of our own, and the worker goes on. There is one mapping in a worker.
std::atomic<char*> guarded{nullptr};
std::atomic<bool> is_lost{false};

void on_bus_error(int signal, siginfo_t* info, void* /*context*/) {
  char* begin = guarded.load();
  const auto* at = static_cast<const char*>(info->si_addr);
  if (begin != nullptr && at >= begin && at < begin + sizeof(MetersTable)) {
    const int saved = errno;
    void* again = ::mmap(begin, sizeof(MetersTable), PROT_READ | PROT_WRITE,
                         MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    errno = saved;
    is_lost.store(true);
    if (again != MAP_FAILED) return;
  }
  (void)std::signal(signal, SIG_DFL);  // comes again at once, and ends us
}

void guard(void* memory) {
  guarded.store(static_cast<char*>(memory));
  is_lost.store(false);
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

/// The sample of a figure; empty if it is not one that we can tell others of.
std::string_view sample_of(const Figure& figure) {
  const auto end = std::ranges::find(figure.text, '\0');
  const std::string_view text(figure.text.data(), static_cast<std::size_t>(end - figure.text.begin()));
  const bool is_sound = end != figure.text.end() && text.size() > 1 &&
                        std::string_view("cgm").find(text.front()) != std::string_view::npos &&
                        text.find('\n') == std::string_view::npos;
  return is_sound ? text.substr(1) : std::string_view{};
}

MeterKind kind_of(const Figure& figure) {
  return static_cast<MeterKind>(figure.text.front());
}

bool is_ready(const Figure& figure) {
  return figure.state.load(std::memory_order_acquire) == Figure::kReady;
}

/// Writes the name into a free figure; false if somebody else was faster.
bool write_name(Figure& figure, MeterKind kind, std::string_view sample, bool configured) {
  std::uint32_t free = Figure::kFree;
  if (!figure.state.compare_exchange_strong(free, Figure::kWriting)) return false;
  figure.text.fill('\0');
  figure.text.front() = static_cast<char>(kind);
  std::ranges::copy(sample, figure.text.begin() + 1);
  figure.configured = configured ? 1 : 0;
  figure.state.store(Figure::kReady, std::memory_order_release);
  return true;
}

std::uint64_t merged(MeterKind kind, std::uint64_t one, std::uint64_t other) {
  return kind == MeterKind::latest ? std::max(one, other) : one + other;
}

}  // namespace

SharedMeters::SharedMeters(fs::path path) : path_(std::move(path)) {
  if (!join(fault_)) be_alone();
}

SharedMeters::~SharedMeters() {
  if (guarded.load() == reinterpret_cast<char*>(table_)) guarded.store(nullptr);
  ::munmap(table_, sizeof(MetersTable));
}

bool SharedMeters::join(std::string& fault) {
  FileDescriptor file = open_file(path_);
  if (!file.valid() || !wait_for_turn(file.get())) {
    fault = failure(path_);
    return false;
  }
  std::string why_not;
  if (!make_usable(file.get(), why_not)) {
    fault = why_not.empty() ? failure(path_) : path_.string() + ": " + why_not;
    return false;
  }
  void* memory = ::mmap(nullptr, sizeof(MetersTable), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) {
    fault = failure(path_);
    return false;
  }
  table_ = static_cast<MetersTable*>(memory);
  guard(memory);
  file_ = std::move(file);
  const bool claimed = claim_place(fault);
  ::flock(file_.get(), LOCK_UN);
  if (!claimed) {
    ::munmap(table_, sizeof(MetersTable));
    file_ = FileDescriptor();
  }
  return claimed;
}

/// Its counters stay what they are, and go on.
bool SharedMeters::claim_place(std::string& fault) {
  for (place_ = 0; place_ < kPlaces; ++place_) {
    const struct flock lock = lock_on(F_WRLCK, place_);
    if (::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0) break;
  }
  if (place_ == kPlaces) {
    fault = path_.string() + ": there is room for " + std::to_string(kPlaces) + " workers";
    return false;
  }
  if (!allocate(file_.get(), kCommonBytes + place_ * sizeof(MetersTable::Place),
                sizeof(MetersTable::Place))) {
    fault = failure(path_);
    return false;
  }
  for (std::size_t i = 0; i < kFigures; ++i) {
    const Figure& figure = table_->figures.at(i);
    if (is_ready(figure) && kind_of(figure) == MeterKind::gauge)
      table_->places.at(place_).meters.at(i).set(0);
  }
  table_->owners.at(place_).revision.store(0);
  table_->owners.at(place_).used.store(1);
  return true;
}

void SharedMeters::be_alone() {
  void* memory =
      ::mmap(nullptr, sizeof(MetersTable), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  table_ = static_cast<MetersTable*>(memory);
  place_ = 0;
  table_->owners.front().used.store(1);
}

Meter* SharedMeters::meter(MeterKind kind, std::string_view sample, Room room) {
  remake_if_lost();
  Meter* found = find_or_add(kind, sample, room);
  if (found == nullptr) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto index = static_cast<std::size_t>(found - table_->places.at(place_).meters.data());
  if (std::ranges::find(known_, index, &Known::index) == known_.end())
    known_.push_back({kind, std::string(sample), index});
  return found;
}

/// Two workers that add the same name at the same moment may each write one; totals() takes them together.
Meter* SharedMeters::find_or_add(MeterKind kind, std::string_view sample, Room room) const {
  if (sample.size() + 2 > std::tuple_size_v<decltype(Figure::text)>) return nullptr;
  std::size_t configured = 0;
  auto& meters = table_->places.at(place_).meters;
  for (std::size_t i = 0; i < kFigures; ++i) {
    Figure& figure = table_->figures.at(i);
    if (is_ready(figure) && kind_of(figure) == kind && sample_of(figure) == sample) return &meters.at(i);
    if (is_ready(figure)) {
      configured += figure.configured == 0 ? 0 : 1;
      continue;
    }
    if (room == Room::configured && configured >= kConfigured) return nullptr;
    if (write_name(figure, kind, sample, room == Room::configured)) return &meters.at(i);
  }
  return nullptr;
}

std::vector<MeterTotal> SharedMeters::totals() const {
  remake_if_lost();
  std::vector<std::size_t> used;
  std::vector<std::size_t> running;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    if (table_->owners.at(place).used.load() == 0) continue;
    used.push_back(place);
    if (is_held(place)) running.push_back(place);
  }
  std::map<std::string, MeterTotal> found;
  for (std::size_t i = 0; i < kFigures; ++i) {
    const Figure& figure = table_->figures.at(i);
    const std::string_view sample = is_ready(figure) ? sample_of(figure) : std::string_view{};
    if (sample.empty()) continue;
    const MeterKind kind = kind_of(figure);
    std::uint64_t value = 0;
    for (const std::size_t place : kind == MeterKind::gauge ? running : used)
      value = merged(kind, value, table_->places.at(place).meters.at(i).value());
    const auto [entry, is_new] =
        found.try_emplace(std::string(sample), MeterTotal{kind, std::string(sample), value});
    if (!is_new) entry->second.value = merged(kind, entry->second.value, value);
  }
  std::vector<MeterTotal> totals;
  totals.reserve(found.size());
  for (auto& entry : found)
    totals.push_back(std::move(entry.second));
  return totals;
}

/// As a number, since a revision is the beginning of a hash in sixteen digits.
void SharedMeters::use_revision(std::string_view revision) {
  std::uint64_t number = 0;
  (void)std::from_chars(revision.data(), revision.data() + revision.size(), number, 16);
  revision_.store(number);
  table_->owners.at(place_).revision.store(number);
}

std::vector<std::string> SharedMeters::revisions() const {
  std::set<std::uint64_t> numbers;
  for (std::size_t place = 0; place < kPlaces; ++place) {
    const std::uint64_t number = table_->owners.at(place).revision.load();
    if (number != 0 && is_held(place)) numbers.insert(number);
  }
  std::vector<std::string> texts;
  for (const std::uint64_t number : numbers) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), number, 16).ptr;
    const std::string text(digits.begin(), end);
    texts.push_back(std::string(digits.size() - text.size(), '0') + text);
  }
  return texts;
}

std::pair<std::size_t, std::size_t> SharedMeters::usage() const {
  return {static_cast<std::size_t>(std::ranges::count_if(table_->figures, is_ready)), kFigures};
}

std::string SharedMeters::fault() const {
  if (!fault_.empty()) return fault_;
  if (is_lost.load()) return path_.string() + ": was cut short; restart the workers";
  return is_orphaned() ? path_.string() + ": was removed or replaced; restart the workers" : std::string();
}

/// Our own lock does not stand in our own way, so the kernel says nothing of it.
bool SharedMeters::is_held(std::size_t place) const {
  return place == place_ || (file_.valid() && is_locked_by_others(file_.get(), place));
}

bool SharedMeters::is_orphaned() const {
  struct stat ours {};
  struct stat there {};
  return ::fstat(file_.get(), &ours) != 0 || ::lstat(path_.c_str(), &there) != 0 ||
         ours.st_ino != there.st_ino || ours.st_dev != there.st_dev;
}

/// What has taken the place of lost memory is empty, names included.
void SharedMeters::remake_if_lost() const {
  if (!is_lost.load() || !file_.valid()) return;
  const std::lock_guard lock(mutex_);
  if (std::exchange(is_remade_, true)) return;
  table_->owners.at(place_).used.store(1);
  table_->owners.at(place_).revision.store(revision_.load());
  for (const Known& known : known_)
    (void)write_name(table_->figures.at(known.index), known.kind, known.sample, false);
}

}  // namespace blobvalet::fcgi
