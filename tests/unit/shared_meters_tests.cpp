#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <thread>

#include "fcgi/adapters/shared_meters.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

struct Bench {
  TempDir dir;
  std::filesystem::path file = dir.path() / "metrics";
};

/// `sample value` of each, in a line of its own.
std::string shown(const SharedMeters& meters) {
  std::string text;
  for (const MeterTotal& total : meters.totals())
    text.append(total.sample).append(" ").append(std::to_string(total.value)).append("\n");
  return text;
}

void add(SharedMeters& meters, std::string_view sample, std::uint64_t n = 1) {
  Meter* meter = meters.meter(MeterKind::counter, sample);
  BOOST_REQUIRE(meter != nullptr);
  meter->add(n);
}

template <class Work>
pid_t start(Work work) {
  const pid_t child = ::fork();
  BOOST_REQUIRE_GE(child, 0);
  if (child != 0) return child;
  work();
  ::_exit(0);
}

int end_of(pid_t child) {
  int status = 0;
  BOOST_REQUIRE_EQUAL(::waitpid(child, &status, 0), child);
  return status;
}

/// A worker that dies by SIGKILL after its work.
template <class Work>
void in_killed_worker(Work work) {
  const int status = end_of(start([&] {
    work();
    ::kill(::getpid(), SIGKILL);
  }));
  BOOST_TEST(WTERMSIG(status) == SIGKILL);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(shared_meters_tests)

BOOST_AUTO_TEST_CASE(workers_are_added_up_by_kind) {
  const Bench bench;
  SharedMeters one(bench.file);
  SharedMeters two(bench.file);
  BOOST_TEST(one.fault() == "");
  BOOST_TEST(two.fault() == "");
  add(one, "c", 3);
  add(two, "c", 4);
  one.meter(MeterKind::gauge, "g")->set(5);
  two.meter(MeterKind::gauge, "g")->set(6);
  one.meter(MeterKind::latest, "m")->set(9);
  two.meter(MeterKind::latest, "m")->set(7);
  add(two, "only{a=\"b\"}");
  for (const SharedMeters* meters : {&one, &two})
    BOOST_TEST(shown(*meters) == "c 7\ng 11\nm 9\nonly{a=\"b\"} 1\n");
  BOOST_TEST(one.meter(MeterKind::counter, "c") == one.meter(MeterKind::counter, "c"));
  BOOST_TEST(one.usage().first == 4U);
}

BOOST_AUTO_TEST_CASE(who_dies_takes_along_what_it_was_doing_and_nothing_else) {
  const Bench bench;
  SharedMeters watcher(bench.file);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    in_killed_worker([&] {
      SharedMeters worker(bench.file);
      add(worker, "c", 100);
      worker.meter(MeterKind::gauge, "busy")->set(4);
      worker.meter(MeterKind::latest, "m")->set(round);
      worker.use_revision("00000000000000ff");
    });
    BOOST_TEST(shown(watcher) ==
               "busy 0\nc " + std::to_string(100 * round) + "\nm " + std::to_string(round) + "\n");
    BOOST_TEST(watcher.revisions().empty());
  }
  // Whoever gets the place of the dead begins with no gauge of theirs.
  SharedMeters heir(bench.file);
  BOOST_TEST(shown(watcher) == "busy 0\nc 300\nm 3\n");
  heir.meter(MeterKind::gauge, "busy")->add();
  BOOST_TEST(shown(watcher) == "busy 1\nc 300\nm 3\n");
}

BOOST_AUTO_TEST_CASE(figures_outlive_all_workers) {
  const Bench bench;
  { add(*std::make_unique<SharedMeters>(bench.file), "c", 2); }
  in_killed_worker([&] {
    SharedMeters worker(bench.file);
    add(worker, "c", 5);
  });
  BOOST_TEST(shown(SharedMeters(bench.file)) == "c 7\n");
}

BOOST_AUTO_TEST_CASE(nothing_is_lost_among_many_processes_and_threads) {
  constexpr unsigned kProcesses = 8;
  constexpr unsigned kThreads = 3;
  constexpr unsigned kTimes = 20'000;
  const Bench bench;
  std::vector<pid_t> children;
  for (unsigned i = 0; i < kProcesses; ++i) {
    children.push_back(start([&, i] {
      SharedMeters meters(bench.file);
      std::vector<std::thread> threads;
      for (unsigned t = 0; t < kThreads; ++t) {
        threads.emplace_back([&meters, i] {
          Meter* all = meters.meter(MeterKind::counter, "all");
          Meter* own = meters.meter(MeterKind::counter, "own{worker=\"" + std::to_string(i) + "\"}");
          for (unsigned n = 0; n < kTimes; ++n) {
            all->add();
            own->add();
          }
        });
      }
      for (std::thread& thread : threads)
        thread.join();
      if (i % 2 == 0) ::kill(::getpid(), SIGKILL);
    }));
  }
  for (unsigned i = 0; i < kProcesses; ++i)
    BOOST_TEST(end_of(children[i]) == (i % 2 == 0 ? SIGKILL : 0));
  std::string expected = "all " + std::to_string(kProcesses * kThreads * kTimes) + "\n";
  for (unsigned i = 0; i < kProcesses; ++i)
    expected += "own{worker=\"" + std::to_string(i) + "\"} " + std::to_string(kThreads * kTimes) + "\n";
  BOOST_TEST(shown(SharedMeters(bench.file)) == expected);
}

BOOST_AUTO_TEST_CASE(running_workers_say_what_they_use) {
  const Bench bench;
  SharedMeters one(bench.file);
  SharedMeters two(bench.file);
  BOOST_TEST(one.revisions().empty());
  one.use_revision("0123456789abcdef");
  two.use_revision("00000000000000ab");
  BOOST_TEST(one.revisions() == (std::vector<std::string>{"00000000000000ab", "0123456789abcdef"}),
             boost::test_tools::per_element());
  two.use_revision("0123456789abcdef");
  BOOST_TEST(one.revisions() == std::vector<std::string>{"0123456789abcdef"},
             boost::test_tools::per_element());
  two.use_revision("no number");
  BOOST_TEST(two.revisions().size() == 1U);
}

BOOST_AUTO_TEST_CASE(names_are_bounded_and_those_of_configurations_leave_room) {
  const Bench bench;
  SharedMeters meters(bench.file);
  std::size_t configured = 0;
  for (std::size_t i = 0; i < SharedMeters::kFigures; ++i) {
    const std::string sample = "rule{rule=\"" + std::to_string(i) + "\"}";
    configured += meters.meter(MeterKind::counter, sample, Meters::Room::configured) == nullptr ? 0U : 1U;
  }
  BOOST_TEST(configured == SharedMeters::kConfigured);
  BOOST_TEST(meters.meter(MeterKind::counter, "rule{rule=\"0\"}", Meters::Room::configured) != nullptr);
  std::size_t fixed = 0;
  while (meters.meter(MeterKind::counter, "fixed" + std::to_string(fixed)) != nullptr)
    ++fixed;
  BOOST_TEST(fixed == SharedMeters::kFigures - SharedMeters::kConfigured);
  BOOST_TEST(meters.usage().first == SharedMeters::kFigures);
  BOOST_TEST(meters.meter(MeterKind::counter, "fixed0") != nullptr);

  const Bench other;
  SharedMeters roomy(other.file);
  BOOST_TEST(roomy.meter(MeterKind::counter, std::string(246, 'x')) != nullptr);
  BOOST_TEST(roomy.meter(MeterKind::counter, std::string(247, 'x')) == nullptr);
}

BOOST_AUTO_TEST_CASE(more_workers_than_fit_count_for_themselves) {
  const Bench bench;
  std::vector<std::unique_ptr<SharedMeters>> all;
  for (std::size_t i = 0; i < SharedMeters::kPlaces; ++i)
    all.push_back(std::make_unique<SharedMeters>(bench.file));
  BOOST_TEST(all.back()->fault() == "");
  SharedMeters last(bench.file);
  BOOST_TEST(last.fault() == bench.file.string() + ": there is room for 256 workers");
  add(*all.back(), "c");
  add(last, "c", 5);
  BOOST_TEST(shown(*all.front()) == "c 1\n");
  BOOST_TEST(shown(last) == "c 5\n");
  all.pop_back();
  BOOST_TEST(SharedMeters(bench.file).fault() == "");
}

BOOST_AUTO_TEST_CASE(what_is_not_ours_is_left_alone) {
  const std::string header(
      "\x0a"
      "BV-MTRS",
      8);
  struct Row {
    const char* name;
    std::function<void(const std::filesystem::path&)> make;
    const char* fault;
  };
  const auto text = [](std::string what) {
    return [what](const std::filesystem::path& file) { std::ofstream(file, std::ios::binary) << what; };
  };
  const Row rows[] = {
      {"somebody's notes", text("buy milk\n"), ": holds something else; it is left alone"},
      {"a byte", text("x"), ": holds something else; it is left alone"},
      {"zeroes", text(std::string(100'000, '\0')), ": holds something else; it is left alone"},
      {"a directory", [](const std::filesystem::path& file) { std::filesystem::create_directory(file); },
       ": Is a directory"},
      {"a link",
       [](const std::filesystem::path& file) { std::filesystem::create_symlink("/dev/null", file); },
       ": Too many levels of symbolic links"},
      {"a pipe",
       [](const std::filesystem::path& file) { BOOST_REQUIRE_EQUAL(::mkfifo(file.c_str(), 0600), 0); },
       ": is not a regular file"},
      {"a directory that is not there",
       [](const std::filesystem::path& file) { std::filesystem::remove(file.parent_path()); },
       ": No such file or directory"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Bench bench;
      row.make(bench.file);
      const auto read = [&] {
        std::ifstream in(bench.file, std::ios::binary);
        return std::string(std::istreambuf_iterator<char>(in), {});
      };
      const bool is_file = std::filesystem::is_regular_file(bench.file);
      const std::string before = is_file ? read() : "";
      SharedMeters meters(bench.file);
      BOOST_TEST(meters.fault() == bench.file.string() + row.fault);
      add(meters, "c", 3);
      BOOST_TEST(shown(meters) == "c 3\n");
      if (is_file) BOOST_TEST((read() == before));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_file_of_another_version_is_taken_over_when_nobody_uses_it) {
  const Bench bench;
  const auto set_layout = [&](std::uint64_t layout) {
    std::fstream file(bench.file, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(8);
    file.write(reinterpret_cast<const char*>(&layout), sizeof layout);
  };
  auto old = std::make_unique<SharedMeters>(bench.file);
  add(*old, "c");
  set_layout(99);
  BOOST_TEST(SharedMeters(bench.file).fault() ==
             bench.file.string() + ": workers of another version use it; restart them, then this one");
  old.reset();
  SharedMeters meters(bench.file);
  BOOST_TEST(meters.fault() == "");
  BOOST_TEST(shown(meters) == "");
}

BOOST_AUTO_TEST_CASE(garbage_in_the_file_harms_nobody) {
  const Bench bench;
  { const SharedMeters maker(bench.file); }
  const auto size = std::filesystem::file_size(bench.file);
  {
    std::fstream file(bench.file, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(16);
    std::string garbage(size - 16, '\0');
    for (std::size_t i = 0; i < garbage.size(); ++i)
      garbage[i] = static_cast<char>((i * 2654435761U) >> 13U);
    file << garbage;
  }
  SharedMeters meters(bench.file);
  for (int i = 0; i < 100; ++i)
    count(meters.meter(MeterKind::counter, "c" + std::to_string(i)));
  for (const MeterTotal& total : meters.totals())
    BOOST_TEST(total.sample.find('\n') == std::string::npos);
  BOOST_TEST(meters.fault() == "");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_short_ends_nobody) {
  const Bench bench;
  SharedMeters meters(bench.file);
  add(meters, "c", 7);
  meters.meter(MeterKind::gauge, "g")->set(2);
  meters.use_revision("00000000000000ab");
  BOOST_REQUIRE_EQUAL(::truncate(bench.file.c_str(), 0), 0);
  add(meters, "c", 3);  // where there is no memory any more
  add(meters, "new", 1);
  BOOST_TEST(shown(meters) == "c 3\ng 0\nnew 1\n");
  BOOST_TEST(meters.fault() == bench.file.string() + ": was cut short; restart the workers");
  BOOST_TEST(meters.revisions() == std::vector<std::string>{"00000000000000ab"},
             boost::test_tools::per_element());
  // The next one makes it anew.
  SharedMeters next(bench.file);
  BOOST_TEST(next.fault() == "");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_gone_is_said) {
  struct Row {
    const char* name;
    void (*change)(const std::filesystem::path&);
  };
  const Row rows[] = {
      {"removed", [](const std::filesystem::path& file) { std::filesystem::remove(file); }},
      {"replaced",
       [](const std::filesystem::path& file) {
         std::ofstream(file.string() + ".new") << "";
         std::filesystem::rename(file.string() + ".new", file);
       }},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Bench bench;
      SharedMeters meters(bench.file);
      add(meters, "c");
      row.change(bench.file);
      BOOST_TEST(meters.fault() == bench.file.string() + ": was removed or replaced; restart the workers");
      add(meters, "c");
      BOOST_TEST(shown(meters) == "c 2\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(whoever_holds_the_file_keeps_no_worker_from_starting) {
  const Bench bench;
  { const SharedMeters maker(bench.file); }
  const FileDescriptor file(::open(bench.file.c_str(), O_RDWR | O_CLOEXEC));
  BOOST_REQUIRE_EQUAL(::flock(file.get(), LOCK_EX), 0);
  SharedMeters meters(bench.file);
  BOOST_TEST(meters.fault() == bench.file.string() + ": Resource temporarily unavailable");
  add(meters, "c");
  BOOST_TEST(shown(meters) == "c 1\n");
}

BOOST_AUTO_TEST_SUITE_END()
