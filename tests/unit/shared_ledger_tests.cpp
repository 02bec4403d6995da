#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "fcgi/adapters/shared_ledger.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::size_t kSlots = 256;
constexpr std::size_t kFileBytes = 16 + 16 * kSlots;

KeyFingerprint key(unsigned number) {
  std::string bytes("0123456789abcdef");
  bytes.append(std::to_string(number));
  return KeyFingerprint(UserDelegationKey{"", "", "", "", "", "", "", secret(bytes), {}, {}});
}

const UtcSeconds kNow = at("2026-03-01T12:00:00Z");

std::string shown(std::optional<UtcSeconds> time) {
  return time ? std::string(UtcText(*time).view()) : "never";
}

struct Bench {
  TempDir dir;
  std::filesystem::path directory = dir.path() / "keys";
  std::filesystem::path file = directory / "ledger";

  [[nodiscard]] std::unique_ptr<LedgerFile> open() const {
    std::string fault;
    auto ledger = LedgerFile::open(directory, fault);
    BOOST_TEST(fault == "");
    BOOST_REQUIRE(ledger != nullptr);
    return ledger;
  }
  [[nodiscard]] std::string fault() const {
    std::string text;
    BOOST_TEST((LedgerFile::open(directory, text) == nullptr));
    return text;
  }
};

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::lstat(path.c_str(), &status), 0);
  return status.st_mode & 07777U;
}

ino_t inode_of(const std::filesystem::path& path) {
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::lstat(path.c_str(), &status), 0);
  return status.st_ino;
}

/// Starts a process that does `work` and ends without destructors, which would remove what the test needs.
template <class Work>
pid_t start(Work work) {
  const pid_t child = ::fork();
  BOOST_REQUIRE_GE(child, 0);
  if (child != 0) return child;
  try {
    work();
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

/// How a process has ended, as waitpid(2) tells it.
int end_of(pid_t child) {
  int status = 0;
  BOOST_REQUIRE_EQUAL(::waitpid(child, &status, 0), child);
  return status;
}

template <class Work>
int in_child(Work work) {
  return end_of(start(work));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_ledger_tests)

BOOST_AUTO_TEST_CASE(the_latest_expiry_of_each_key_is_kept) {
  const Bench bench;
  const auto ledger = bench.open();
  BOOST_TEST(shown(ledger->last_expiry(key(1))) == "never");
  ledger->issued(key(1), kNow + 10s, kNow);
  ledger->issued(key(2), kNow + 900s, kNow);
  ledger->issued(key(1), kNow + 300s, kNow);
  ledger->issued(key(1), kNow + 299s, kNow);
  BOOST_TEST(shown(ledger->last_expiry(key(1))) == "2026-03-01T12:05:00Z");
  BOOST_TEST(shown(ledger->last_expiry(key(2))) == "2026-03-01T12:15:00Z");
  BOOST_TEST(shown(ledger->last_expiry(key(3))) == "never");
  BOOST_TEST(ledger->covers(key(1), kNow + 300s));
  BOOST_TEST(!ledger->covers(key(1), kNow + 301s));
  BOOST_TEST(!ledger->covers(key(3), kNow - 300s));
}

BOOST_AUTO_TEST_CASE(directory_and_file_are_made_for_nobody_else) {
  const Bench bench;
  BOOST_TEST((LedgerFile::open_to_read(bench.directory) == nullptr));
  BOOST_TEST(!std::filesystem::exists(bench.directory));
  const auto before = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const auto ledger = bench.open();
  BOOST_TEST(mode_of(bench.directory) == 0700U);
  BOOST_TEST(mode_of(bench.file) == 0600U);
  BOOST_TEST(std::filesystem::file_size(bench.file) == kFileBytes);
  BOOST_TEST((ledger->since() >= before));
  BOOST_TEST((ledger->since() <= before + 10s));
}

BOOST_AUTO_TEST_CASE(it_outlives_whoever_wrote_it) {
  const Bench bench;
  const int exited = in_child([&] { bench.open()->issued(key(1), kNow + 300s, kNow); });
  BOOST_TEST(exited == 0);
  const int killed = in_child([&] {
    bench.open()->issued(key(2), kNow + 600s, kNow);
    ::kill(::getpid(), SIGKILL);
  });
  BOOST_TEST(WTERMSIG(killed) == SIGKILL);
  const auto reader = LedgerFile::open_to_read(bench.directory);
  BOOST_REQUIRE(reader != nullptr);
  BOOST_TEST(shown(reader->last_expiry(key(1))) == "2026-03-01T12:05:00Z");
  BOOST_TEST(shown(reader->last_expiry(key(2))) == "2026-03-01T12:10:00Z");
  // A reader sees what is noted from now on, too, and so does everybody who has opened it before.
  BOOST_TEST(in_child([&] { bench.open()->issued(key(1), kNow + 900s, kNow); }) == 0);
  BOOST_TEST(shown(reader->last_expiry(key(1))) == "2026-03-01T12:15:00Z");
}

// Processes that start at once, each with keys of its own and one that all share; some are killed meanwhile.
BOOST_AUTO_TEST_CASE(nothing_is_lost_among_many_processes) {
  constexpr unsigned kProcesses = 8;
  constexpr unsigned kKeys = 20;
  const Bench bench;
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kProcesses; ++i) {
    children.push_back(start([&, i] {
      const auto ledger = bench.open();
      for (unsigned n = 0; n < kKeys; ++n) {
        ledger->issued(key(1000 * i + n), kNow + std::chrono::seconds(n), kNow);
        ledger->issued(key(999'999), kNow + std::chrono::seconds(100 * n + i), kNow);
      }
      if (i % 2 == 0) ::kill(::getpid(), SIGKILL);
    }));
  }
  for (unsigned i = 0; i < kProcesses; ++i)
    BOOST_TEST(end_of(children[i]) == (i % 2 == 0 ? SIGKILL : 0));
  const auto ledger = bench.open();
  for (unsigned i = 0; i < kProcesses; ++i) {
    for (unsigned n = 0; n < kKeys; ++n)
      BOOST_TEST((ledger->last_expiry(key(1000 * i + n)) == kNow + std::chrono::seconds(n)));
  }
  BOOST_TEST(
      (ledger->last_expiry(key(999'999)) == kNow + std::chrono::seconds(100 * (kKeys - 1) + kProcesses - 1)));
}

BOOST_AUTO_TEST_CASE(places_of_keys_long_gone_are_used_again) {
  const Bench bench;
  const auto ledger = bench.open();
  for (unsigned i = 0; i < kSlots; ++i)
    BOOST_TEST(ledger->issued(key(i), kNow + 300s, kNow));
  BOOST_TEST(!ledger->issued(key(1000), kNow + 300s, kNow));
  BOOST_TEST(!ledger->issued(key(1000), kNow + 3900s, kNow + 3800s));
  BOOST_TEST(shown(ledger->last_expiry(key(1000))) == "never");
  // An hour after the last SAS.
  const UtcSeconds later = kNow + 300s + 3600s;
  for (unsigned i = 1000; i < 1000 + kSlots; ++i)
    BOOST_TEST(ledger->issued(key(i), later + 300s, later));
  BOOST_TEST(!ledger->issued(key(2000), later + 300s, later));
  for (unsigned i = 0; i < kSlots; ++i) {
    BOOST_TEST(shown(ledger->last_expiry(key(i))) == "never");
    BOOST_TEST(shown(ledger->last_expiry(key(1000 + i))) == "2026-03-01T13:10:00Z");
  }
}

BOOST_AUTO_TEST_CASE(keys_come_and_go_under_many_threads) {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kRounds = 2000;
  const Bench bench;
  const auto ledger = bench.open();
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned round = 0; round < kRounds; ++round) {
        const UtcSeconds now = kNow + std::chrono::hours(round / 50);
        ledger->issued(key(100 * t + round / 10), now + 60s, now);
        ledger->issued(key(99'999), now + std::chrono::seconds(t), now);
      }
    });
  }
  threads.clear();
  const UtcSeconds last = kNow + std::chrono::hours((kRounds - 1) / 50);
  for (unsigned t = 0; t < kThreads; ++t)
    BOOST_TEST((ledger->last_expiry(key(100 * t + (kRounds - 1) / 10)) >= last + 60s));
  BOOST_TEST((ledger->last_expiry(key(99'999)) == last + std::chrono::seconds(kThreads - 1)));
}

BOOST_AUTO_TEST_CASE(what_is_no_ledger_becomes_one) {
  std::string other_magic(kFileBytes, '\0');
  std::string longer = other_magic + "x";
  const std::pair<const char*, std::string> rows[] = {
      {"empty", ""},
      {"text", "no ledger\n"},
      {"another version", other_magic},
      {"too long", longer},
      {"cut short", other_magic.substr(1)},
  };
  for (const auto& [name, text] : rows) {
    BOOST_TEST_CONTEXT(name) {
      const Bench bench;
      BOOST_REQUIRE(std::filesystem::create_directory(bench.directory));
      bench.dir.write("keys/ledger", text);
      const auto inode = inode_of(bench.file);
      BOOST_TEST((LedgerFile::open_to_read(bench.directory) == nullptr));
      const auto first = bench.open();
      const auto second = bench.open();
      first->issued(key(1), kNow + 300s, kNow);
      BOOST_TEST(shown(second->last_expiry(key(1))) == "2026-03-01T12:05:00Z");
      BOOST_TEST(std::filesystem::file_size(bench.file) == std::max(kFileBytes, text.size()));
      // A worker may be allowed to write this very file and nothing beside it.
      BOOST_TEST(inode_of(bench.file) == inode);
    }
  }
}

BOOST_AUTO_TEST_CASE(where_there_can_be_none_the_fault_is_said) {
  {
    const Bench bench;
    bench.dir.write("keys", "a file");
    BOOST_TEST(bench.fault() == bench.file.string() + ": Not a directory");
  }
  {
    Bench bench;
    bench.directory = bench.dir.path() / "no" / "keys";
    BOOST_TEST(bench.fault() == bench.directory.string() + "/ledger: No such file or directory");
  }
  {
    const Bench bench;
    BOOST_REQUIRE(std::filesystem::create_directories(bench.file));
    BOOST_TEST(bench.fault() == bench.file.string() + ": Is a directory");
  }
  {
    const Bench bench;
    BOOST_REQUIRE(std::filesystem::create_directory(bench.directory));
    const auto target = bench.dir.write("target", "precious");
    std::filesystem::create_symlink(target, bench.file);
    BOOST_TEST(bench.fault() == bench.file.string() + ": Too many levels of symbolic links");
    BOOST_TEST(std::filesystem::file_size(target) == 8U);
  }
}

BOOST_AUTO_TEST_CASE(a_worker_notes_what_others_read) {
  const Bench bench;
  SharedLedger ledger(bench.directory);
  const UtcSeconds now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  ledger.issued(key(1), now + 300s);
  ledger.issued(key(1), now + 200s);
  BOOST_TEST((ledger.last_expiry(key(1)) == now + 300s));
  BOOST_TEST(shown(ledger.last_expiry(key(2))) == "never");
  BOOST_TEST((LedgerFile::open_to_read(bench.directory)->last_expiry(key(1)) == now + 300s));
  SharedLedger other(bench.directory);
  BOOST_TEST((other.last_expiry(key(1)) == now + 300s));
}

BOOST_AUTO_TEST_CASE(a_worker_without_a_ledger_signs_nevertheless_and_finds_one_later) {
  Bench bench;
  const std::filesystem::path parent = bench.dir.path() / "no";
  bench.directory = parent / "keys";
  SharedLedger ledger(bench.directory);
  const UtcSeconds now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  ledger.issued(key(1), now + 300s);
  BOOST_TEST(shown(ledger.last_expiry(key(1))) == "never");
  BOOST_REQUIRE(std::filesystem::create_directory(parent));
  std::this_thread::sleep_for(1100ms);
  ledger.issued(key(1), now + 301s);
  BOOST_TEST((ledger.last_expiry(key(1)) == now + 301s));
}

BOOST_AUTO_TEST_CASE(a_directory_that_goes_and_comes_back_is_followed) {
  const Bench bench;
  SharedLedger ledger(bench.directory);
  const UtcSeconds now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  ledger.issued(key(1), now + 300s);
  std::filesystem::remove_all(bench.directory);
  std::this_thread::sleep_for(1100ms);
  ledger.issued(key(1), now + 301s);
  const auto reader = LedgerFile::open_to_read(bench.directory);
  BOOST_REQUIRE(reader != nullptr);
  BOOST_TEST((reader->last_expiry(key(1)) == now + 301s));
}

BOOST_AUTO_TEST_CASE(another_directory_is_followed_at_once) {
  const Bench bench;
  SharedLedger ledger(bench.directory);
  const UtcSeconds now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  ledger.issued(key(1), now + 300s);
  ledger.move_to(bench.dir.path() / "other");
  ledger.issued(key(1), now + 300s);
  const auto reader = LedgerFile::open_to_read(bench.dir.path() / "other");
  BOOST_REQUIRE(reader != nullptr);
  BOOST_TEST((reader->last_expiry(key(1)) == now + 300s));
}

BOOST_AUTO_TEST_CASE(noting_allocates_nothing) {
  const Bench bench;
  SharedLedger ledger(bench.directory);
  const UtcSeconds now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const KeyFingerprint first = key(1);
  const KeyFingerprint second = key(2);
  const AllocationCount allocations;
  for (int i = 0; i < 100; ++i) {
    ledger.issued(first, now + std::chrono::seconds(300 + i / 10));
    ledger.issued(second, now + std::chrono::seconds(i));
  }
  BOOST_TEST(allocations.calls() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
