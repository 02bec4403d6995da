#include <functional>
#include <future>
#include <thread>

#include "fcgi/stop_gate.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

using std::chrono::steady_clock;

std::chrono::milliseconds time_of(const std::function<void()>& action) {
  const auto start = steady_clock::now();
  action();
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start);
}

/// Runs `waiter` in a thread, `action` a moment later, and says how long the waiter took from then.
std::chrono::milliseconds after(const std::function<void()>& waiter, const std::function<void()>& action) {
  auto waiting = std::async(std::launch::async, waiter);
  std::this_thread::sleep_for(50ms);
  BOOST_TEST((waiting.wait_for(0s) == std::future_status::timeout));
  return time_of([&] {
    action();
    waiting.get();
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stop_gate_tests)

BOOST_AUTO_TEST_CASE(waiting_ends_when_it_is_time) {
  StopGate gate;
  BOOST_TEST((time_of([&] { gate.wait_for(50ms); }) >= 50ms));
  BOOST_TEST((time_of([&] { gate.wait_for(0ms); }) < 5s));
  BOOST_TEST((time_of([&] { gate.wait_for(-1h); }) < 5s));
  BOOST_TEST(!gate.is_stopped());
}

BOOST_AUTO_TEST_CASE(waiting_ends_early_when_woken_or_stopped) {
  StopGate gate;
  BOOST_TEST((after([&] { gate.wait_for(1h); }, [&] { gate.wake(); }) < 5s));
  // Only whoever waits is woken.
  gate.wake();
  BOOST_TEST((time_of([&] { gate.wait_for(50ms); }) >= 50ms));
  BOOST_TEST((after([&] { gate.wait_for(1h); }, [&] { gate.stop(); }) < 5s));
  BOOST_TEST(gate.is_stopped());
  BOOST_TEST((time_of([&] { gate.wait_for(1h); }) < 5s), "and for ever");
}

BOOST_AUTO_TEST_CASE(all_who_wait_are_woken) {
  StopGate gate;
  std::vector<std::future<void>> waiting;
  for (int i = 0; i < 4; ++i)
    waiting.push_back(std::async(std::launch::async, [&] { gate.wait_for(1h); }));
  std::this_thread::sleep_for(50ms);
  gate.wake();
  for (auto& one : waiting)
    BOOST_TEST((one.wait_for(5s) == std::future_status::ready));
  gate.stop();
}

// A wait between two attempts is as long as it has to be, or ends for good.
BOOST_AUTO_TEST_CASE(a_timer_sleeps_through_wakes) {
  StopGate gate;
  StoppableTimer timer(gate);
  BOOST_TEST((time_of([&] { timer.sleep_for(50ms); }) >= 50ms));
  auto sleeping = std::async(std::launch::async, [&] { return time_of([&] { timer.sleep_for(200ms); }); });
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(10ms);
    gate.wake();
  }
  BOOST_TEST((sleeping.get() >= 200ms));
  BOOST_TEST((after([&] { timer.sleep_for(3600s); }, [&] { gate.stop(); }) < 5s));
  BOOST_TEST((time_of([&] { timer.sleep_for(3600s); }) < 5s));
  const auto before = timer.now();
  BOOST_TEST((before <= steady_clock::now()));
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_once_stopped) {
  StopGate gate;
  FakeTimer timer;
  FakeHttp http(timer);
  http.answers = {http_answer(204)};
  StoppableHttp stoppable(http, gate);
  HttpCall call;
  call.url = "https://acme";
  BOOST_TEST(stoppable.send(call).value().status == 204);
  gate.stop();
  const auto outcome = stoppable.send(call);
  BOOST_TEST((!outcome && outcome.error() == HttpFailure::unreachable));
  BOOST_TEST(http.calls.size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
