// What counting costs a request: meters [REQUESTS]
//
// Prints nanoseconds of the processor for each request that one worker and two at once count, each in a place
// of its own as SharedMeters does it, and what it would be if all workers changed the same counters.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "core/request_meter.hpp"
#include "fcgi/adapters/shared_meters.hpp"

namespace {

using namespace blobvalet;
using Clock = std::chrono::steady_clock;

Event signature() {
  Event event;
  event.endpoint = "signature";
  event.verb = "PUT";
  event.rule = "own-folder";
  event.code = "ok";
  return event;
}

/// In nanoseconds; not the time on the wall, since other processes want the processor, too.
double cpu_time() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

/// Nanoseconds of the processor for each of `times` calls.
template <class Call>
double measured(unsigned long times, Call call) {
  const double start = cpu_time();
  for (unsigned long i = 0; i < times; ++i)
    call();
  return (cpu_time() - start) / static_cast<double>(times);
}

/// The slowest of `workers` processes that do `work` at once, which returns its nanoseconds.
template <class Work>
double slowest(unsigned workers, Work work) {
  std::vector<std::array<int, 2>> pipes(workers);
  for (auto& pipe : pipes) {
    if (::pipe(pipe.data()) != 0) std::abort();
    if (::fork() != 0) continue;
    const double nanoseconds = work();
    if (::write(pipe[1], &nanoseconds, sizeof nanoseconds) != sizeof nanoseconds) ::_exit(1);
    ::_exit(0);
  }
  double most = 0;
  for (auto& pipe : pipes) {
    double nanoseconds = 0;
    if (::read(pipe[0], &nanoseconds, sizeof nanoseconds) != sizeof nanoseconds) std::abort();
    most = std::max(most, nanoseconds);
    ::wait(nullptr);
  }
  return most;
}

}  // namespace

int main(int argc, char** argv) {
  const unsigned long times = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 5'000'000;
  std::string directory = (std::filesystem::temp_directory_path() / "blobvalet-meters-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) return 1;
  const std::filesystem::path file = std::filesystem::path(directory) / "metrics";

  const auto own_place = [&] {
    fcgi::SharedMeters meters(file);
    RequestMeter meter(&meters);
    const Event event = signature();
    meter.answered(event, std::chrono::microseconds(60));
    return measured(times, [&] { meter.answered(event, std::chrono::microseconds(60)); });
  };
  // What a signature counts: a request, a grant, a bucket and a sum.
  struct Same {
    std::array<Meter, 4> meters;
  };
  void* memory = ::mmap(nullptr, sizeof(Same), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 1;
  auto& same = *static_cast<Same*>(memory);
  const auto same_counters = [&] {
    return measured(times, [&] {
      for (Meter& meter : same.meters)
        meter.add();
    });
  };
  const auto clock = [&] { return measured(times, [] { (void)Clock::now(); }); };

  std::printf("%-52s %6.1f ns\n", "one worker, a request", slowest(1, own_place));
  std::printf("%-52s %6.1f ns\n", "two workers, each in its place, a request", slowest(2, own_place));
  std::printf("%-52s %6.1f ns\n", "four additions alone, one worker", slowest(1, same_counters));
  std::printf("%-52s %6.1f ns\n", "four additions alone, two workers, the same counters",
              slowest(2, same_counters));
  std::printf("%-52s %6.1f ns\n", "asking for the time once", slowest(1, clock));
  std::filesystem::remove_all(directory);
}
