#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>

#include "fcgi/watchdog.hpp"
#include "tests/unit/datagram_receiver.hpp"

using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::chrono_literals;

namespace {

/// The signal that ended a process which did this, or 0 if it ended by itself.
int signal_of_child(const std::function<void()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    act();
    ::_exit(0);
  }
  int status = 0;
  BOOST_REQUIRE_EQUAL(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

void stand_still() {
  for (const auto end = std::chrono::steady_clock::now() + 5s; std::chrono::steady_clock::now() < end;) {
  }
}

/// Five times as long as the limit.
void go_on(Watchdog& watchdog) {
  for (int i = 0; i < 100; ++i) {
    std::this_thread::sleep_for(10ms);
    if (watchdog.next() <= std::chrono::steady_clock::now()) watchdog.alive("");
  }
}

constexpr auto kLimit = 200ms;

}  // namespace

BOOST_AUTO_TEST_SUITE(watchdog_tests)

BOOST_AUTO_TEST_CASE(without_systemd_the_kernel_ends_whoever_stands_still) {
  struct Row {
    const char* what;
    std::function<void()> act;
    int signal;
  };
  const ServiceManager nobody;
  const std::vector<Row> rows{
      {"from the beginning",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         stand_still();
       },
       SIGALRM},
      {"after a while",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         go_on(watchdog);
         stand_still();
       },
       SIGALRM},
      {"although it blocks and ignores signals",
       [&] {
         (void)std::signal(SIGALRM, SIG_IGN);
         sigset_t all;
         ::sigfillset(&all);
         ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
         Watchdog watchdog(nobody, kLimit);
         stand_still();
       },
       SIGALRM},
      {"of no use",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         for (int i = 0; i < 100; ++i) {
           std::this_thread::sleep_for(10ms);
           watchdog.useless();
         }
       },
       SIGALRM},
      {"at work after a rest",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         watchdog.rest("");
         std::this_thread::sleep_for(500ms);
         watchdog.work();
         stand_still();
       },
       SIGALRM},
      {"at rest",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         watchdog.rest("");
         std::this_thread::sleep_for(500ms);
       },
       0},
      {"rests, and is set to work, now and then",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         for (int i = 0; i < 3; ++i) {
           watchdog.rest("");
           std::this_thread::sleep_for(300ms);
           watchdog.work();
           go_on(watchdog);
         }
       },
       0},
      {"goes on",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         go_on(watchdog);
       },
       0},
      {"stopped",
       [&] {
         Watchdog watchdog(nobody, kLimit);
         watchdog.stop();
         std::this_thread::sleep_for(500ms);
       },
       0},
      {"gone",
       [&] {
         { Watchdog watchdog(nobody, kLimit); }
         std::this_thread::sleep_for(500ms);
       },
       0},
  };
  for (const Row& row : rows)
    BOOST_TEST(signal_of_child(row.act) == row.signal, row.what);
}

BOOST_AUTO_TEST_CASE(no_sign_is_due_during_a_rest) {
  const ServiceManager nobody;
  Watchdog watchdog(nobody, 1h);
  watchdog.rest("");
  BOOST_TEST((watchdog.next() == Watchdog::Time::max()));
  watchdog.work();
  BOOST_TEST((watchdog.next() <= std::chrono::steady_clock::now() + 15min));
  const auto next = watchdog.next();
  watchdog.work();
  BOOST_TEST((watchdog.next() == next), "more work puts nothing off");
}

BOOST_AUTO_TEST_CASE(systemd_without_a_watchdog_hears_how_one_is_that_rests) {
  const DatagramReceiver systemd;
  ::setenv("NOTIFY_SOCKET", systemd.path.c_str(), 1);
  const ServiceManager manager;
  Watchdog watchdog(manager, 1h);
  watchdog.rest("idle");
  BOOST_TEST(systemd.receive() == "WATCHDOG=1\nSTATUS=idle");
  BOOST_TEST((watchdog.next() == Watchdog::Time::max()));
}

BOOST_AUTO_TEST_CASE(systemd_hears_four_times_within_its_patience) {
  const DatagramReceiver systemd;
  ::setenv("NOTIFY_SOCKET", systemd.path.c_str(), 1);
  ::setenv("WATCHDOG_USEC", "200000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const ServiceManager manager;
  Watchdog watchdog(manager, 1h);
  BOOST_TEST((watchdog.next() <= std::chrono::steady_clock::now()), "at once");
  watchdog.alive("well");
  BOOST_TEST(systemd.receive() == "WATCHDOG=1\nSTATUS=well");
  BOOST_TEST((watchdog.next() <= std::chrono::steady_clock::now() + 50ms));
  watchdog.useless();
  BOOST_TEST(systemd.receive() == "nothing");
  watchdog.rest("idle");
  BOOST_TEST(systemd.receive() == "WATCHDOG=1\nSTATUS=idle", "it wants signs of an idle one, too");
  BOOST_TEST((watchdog.next() <= std::chrono::steady_clock::now() + 50ms));
  std::this_thread::sleep_for(500ms);  // the kernel's timer is not set
}

BOOST_AUTO_TEST_SUITE_END()
