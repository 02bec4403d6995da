#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "fcgi/adapters/shared_limits.hpp"
#include "fcgi/text_file.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::literals;
using std::chrono::nanoseconds;

namespace {

constexpr std::size_t kFileBytes = 32 + 16 * LimitFile::kSlots;
constexpr nanoseconds kNow = 1h;
/// So slow that no time passes for it in a test.
constexpr RateLimit kThree{1h, 3};

struct Bench {
  TempDir dir;
  std::filesystem::path path = dir.path() / "limits";

  [[nodiscard]] std::unique_ptr<LimitFile> open() const {
    std::string fault;
    auto file = LimitFile::open(path, fault);
    BOOST_TEST(fault == "");
    BOOST_REQUIRE(file != nullptr);
    return file;
  }
};

bool is_allowed(const LimitVerdict& verdict) {
  return verdict.kind == LimitVerdict::Kind::allowed;
}

std::string content(const TempDir& dir, const std::string& name) {
  const auto text = read_text_file(dir.path() / name);
  BOOST_REQUIRE(text.has_value());
  return *text;
}

/// How many of `times` requests are allowed.
unsigned allowed(LimitFile& file, std::string_view identity, unsigned times, const RateLimit& limit = kThree,
                 nanoseconds now = kNow) {
  unsigned count = 0;
  for (unsigned i = 0; i < times; ++i)
    count += is_allowed(file.take(identity, limit, now)) ? 1U : 0U;
  return count;
}

/// Starts a process that does `work`, whose result is its exit code, and ends without destructors.
template <class Work>
pid_t start(Work work) {
  const pid_t child = ::fork();
  BOOST_REQUIRE_GE(child, 0);
  if (child == 0) ::_exit(work());
  return child;
}

int end_of(pid_t child) {
  int status = 0;
  BOOST_REQUIRE_EQUAL(::waitpid(child, &status, 0), child);
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_limits_tests)

BOOST_AUTO_TEST_CASE(each_identity_has_its_budget) {
  const Bench bench;
  const auto file = bench.open();
  BOOST_TEST(allowed(*file, "alice", 10) == 3U);
  BOOST_TEST(allowed(*file, "bob", 10) == 3U);
  const LimitVerdict refused = file->take("alice", kThree, kNow + 10min);
  BOOST_TEST((refused.kind == LimitVerdict::Kind::limited));
  BOOST_TEST((refused.retry_after == 50min));
  BOOST_TEST(allowed(*file, "alice", 10, kThree, kNow + 1h) == 1U);
  BOOST_TEST(allowed(*file, "alice", 10, kThree, kNow + 5h) == 3U);
}

BOOST_AUTO_TEST_CASE(the_file_is_nobody_elses_and_names_nobody) {
  const Bench bench;
  const auto file = bench.open();
  for (const char* name : {"alice.and.her.long.name", "bob"})
    allowed(*file, name, 1);
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::stat(bench.path.c_str(), &status), 0);
  BOOST_TEST((status.st_mode & 07777U) == 0600U);
  BOOST_TEST(static_cast<std::size_t>(status.st_size) == kFileBytes);
  const std::string text = content(bench.dir, "limits");
  BOOST_TEST(text.find("alice") == std::string::npos);
  BOOST_TEST(text.find("bob") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_file_has_a_hash_key_of_its_own) {
  const Bench one;
  const Bench other;
  (void)one.open();
  (void)other.open();
  BOOST_TEST(content(one.dir, "limits").substr(0, 16) == content(other.dir, "limits").substr(0, 16));
  BOOST_TEST(content(one.dir, "limits").substr(16, 16) != content(other.dir, "limits").substr(16, 16));
  BOOST_TEST(content(one.dir, "limits").substr(16, 16) != std::string(16, '\0'));
}

BOOST_AUTO_TEST_CASE(it_outlives_whoever_wrote_it) {
  const Bench bench;
  const int killed = end_of(start([&] {
    allowed(*bench.open(), "alice", 2);
    ::kill(::getpid(), SIGKILL);
    return 0;
  }));
  BOOST_TEST(WTERMSIG(killed) == SIGKILL);
  BOOST_TEST(allowed(*bench.open(), "alice", 10) == 1U);
  BOOST_TEST(allowed(*bench.open(), "alice", 10) == 0U);
}

// What systemd-tmpfiles makes is empty; what an older version has left is something else.
BOOST_AUTO_TEST_CASE(a_file_that_is_no_table_becomes_one_in_its_place) {
  for (const std::string& text : {""s, "something else"s, std::string(2 * kFileBytes, 'x')}) {
    const Bench bench;
    bench.dir.write("limits", text);
    struct stat before {};
    BOOST_REQUIRE_EQUAL(::stat(bench.path.c_str(), &before), 0);
    BOOST_TEST(allowed(*bench.open(), "alice", 10) == 3U);
    struct stat after {};
    BOOST_REQUIRE_EQUAL(::stat(bench.path.c_str(), &after), 0);
    BOOST_TEST(before.st_ino == after.st_ino);
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_opened_is_said) {
  const Bench bench;
  std::string fault;
  BOOST_TEST((LimitFile::open(bench.dir.path() / "missing" / "limits", fault) == nullptr));
  BOOST_TEST(fault == (bench.dir.path() / "missing" / "limits").string() + ": No such file or directory");
  std::filesystem::create_symlink("elsewhere", bench.path);
  BOOST_TEST((LimitFile::open(bench.path, fault) == nullptr));
  BOOST_TEST(fault == bench.path.string() + ": Too many levels of symbolic links");
}

BOOST_AUTO_TEST_CASE(processes_that_start_at_once_share_budgets_exactly) {
  constexpr unsigned kProcesses = 8;
  constexpr unsigned kNames = 50;
  constexpr RateLimit kHundred{1h, 100};
  const Bench bench;
  const auto counts = bench.dir.path() / "counts";
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kProcesses; ++i) {
    children.push_back(start([&, i] {
      std::string fault;
      const auto file = LimitFile::open(bench.path, fault);
      unsigned count = 0;
      for (unsigned turn = 0; turn < 40; ++turn) {
        for (unsigned name = 0; name < kNames; ++name)
          count += is_allowed(file->take("user" + std::to_string(name), kHundred, kNow)) ? 1U : 0U;
      }
      bench.dir.write("count" + std::to_string(i), std::to_string(count));
      return 0;
    }));
  }
  unsigned total = 0;
  for (unsigned i = 0; i < kProcesses; ++i) {
    BOOST_TEST(end_of(children[i]) == 0);
    total += static_cast<unsigned>(std::stoul(content(bench.dir, "count" + std::to_string(i))));
  }
  BOOST_TEST(total == kNames * 100, "8 x 40 requests of each, 100 of which are allowed");
}

BOOST_AUTO_TEST_CASE(threads_share_budgets_exactly) {
  constexpr RateLimit kThousand{1h, 1000};
  const Bench bench;
  SharedLimits limits(bench.path);
  std::atomic<unsigned> count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 1000; ++turn) {
        if (is_allowed(limits.take("alice", kThousand))) ++count;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  BOOST_TEST(count == 1000U);
}

// More identities than there are slots, one after the other, each within its budget again before the next
// round.
BOOST_AUTO_TEST_CASE(whoever_has_a_whole_budget_makes_room) {
  const Bench bench;
  const auto file = bench.open();
  BOOST_TEST(allowed(*file, "heavy", 3, RateLimit{100h, 3}) == 3U);
  nanoseconds now = kNow;
  for (int round = 0; round < 4; ++round, now += 4h) {
    for (std::size_t i = 0; i < LimitFile::kSlots / 2; ++i) {
      const std::string name = std::to_string(round) + "-" + std::to_string(i);
      if (!is_allowed(file->take(name, kThree, now))) BOOST_ERROR(name << " is new");
    }
  }
  BOOST_TEST(allowed(*file, "heavy", 1, RateLimit{100h, 3}, now) == 0U, "it has never been forgotten");
}

// Four times as many identities at once as there are slots: some have to be forgotten, and those who have
// used most are the last.
BOOST_AUTO_TEST_CASE(when_it_is_full_those_who_use_much_stay) {
  constexpr RateLimit kTen{1h, 10};
  const Bench bench;
  const auto file = bench.open();
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(allowed(*file, "heavy" + std::to_string(i), 10, kTen) == 10U);
  for (std::size_t i = 0; i < 4 * LimitFile::kSlots; ++i) {
    if (!is_allowed(file->take("light" + std::to_string(i), kTen, kNow))) BOOST_ERROR("refused");
  }
  for (int i = 0; i < 20; ++i)
    BOOST_TEST(allowed(*file, "heavy" + std::to_string(i), 1, kTen) == 0U);
}

BOOST_AUTO_TEST_CASE(a_time_that_cannot_be_is_forgotten) {
  const Bench bench;
  const auto file = bench.open();
  constexpr nanoseconds kLater = kNow + std::chrono::hours(24 * 365);
  BOOST_TEST(allowed(*file, "alice", 3, kThree, kLater) == 3U);
  // As after a start of the machine, if the file is on a disk: one whole budget is the longest that anybody
  // waits.
  const LimitVerdict refused = file->take("alice", kThree, kNow);
  BOOST_TEST((refused.kind == LimitVerdict::Kind::limited));
  BOOST_TEST((refused.retry_after == 1h));
  BOOST_TEST(allowed(*file, "alice", 10, kThree, kNow + 1h) == 1U);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_removed_is_made_again) {
  const Bench bench;
  SharedLimits limits(bench.path);
  BOOST_TEST(is_allowed(limits.take("alice", RateLimit{1h, 1})));
  BOOST_TEST(!is_allowed(limits.take("alice", RateLimit{1h, 1})));
  std::filesystem::remove(bench.path);
  for (int i = 0; i < 300 && !std::filesystem::exists(bench.path); ++i) {
    std::this_thread::sleep_for(10ms);
    (void)limits.take("bob", kThree);
  }
  BOOST_TEST(std::filesystem::exists(bench.path));
  BOOST_TEST(is_allowed(limits.take("alice", RateLimit{1h, 1})));
}

BOOST_AUTO_TEST_CASE(without_a_file_there_are_no_budgets_until_there_is_one) {
  const Bench bench;
  std::filesystem::create_directory(bench.path);
  SharedLimits limits(bench.path);
  BOOST_TEST((limits.take("alice", kThree).kind == LimitVerdict::Kind::unavailable));
  std::filesystem::remove(bench.path);
  for (int i = 0; i < 300 && !std::filesystem::exists(bench.path); ++i) {
    std::this_thread::sleep_for(10ms);
    (void)limits.take("bob", kThree);
  }
  BOOST_TEST(is_allowed(limits.take("alice", kThree)));
}

BOOST_AUTO_TEST_SUITE_END()
