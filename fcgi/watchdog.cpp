#include "fcgi/watchdog.hpp"

#include <pthread.h>
#include <sys/time.h>

#include <csignal>

namespace blobvalet::fcgi {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// So many signs of life within the limit: one that comes late is no reason to die.
constexpr int kSignsWithinLimit = 4;

/// Lets the kernel end this process after `limit`; zero: never.
void set_timer(milliseconds limit) {
  itimerval timer{};
  timer.it_value.tv_sec = limit.count() / 1000;
  timer.it_value.tv_usec = static_cast<suseconds_t>(limit.count() % 1000 * 1000);
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

/// The kernel acts by itself then, whatever this process does or cannot do.
void let_alarm_end_this_process() {
  (void)std::signal(SIGALRM, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGALRM);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace

Watchdog::Watchdog(const ServiceManager& manager, milliseconds limit)
    : manager_(manager), limit_(manager.watchdog().value_or(limit)), next_(steady_clock::now()) {
  if (manager_.watchdog()) return;
  let_alarm_end_this_process();
  set_timer(limit_);
}

void Watchdog::begin() {
  useless();
  set_timer(limit_);
}

void Watchdog::rest(std::string_view status) {
  if (manager_.watchdog()) return alive(status);
  manager_.alive(status);
  set_timer(milliseconds(0));
  next_ = Time::max();
}

void Watchdog::stop() {
  if (!manager_.watchdog()) set_timer(milliseconds(0));
}

void Watchdog::alive(std::string_view status) {
  useless();
  manager_.alive(status);
  if (!manager_.watchdog()) set_timer(limit_);
}

void Watchdog::useless() {
  next_ = steady_clock::now() + limit_ / kSignsWithinLimit;
}

}  // namespace blobvalet::fcgi
