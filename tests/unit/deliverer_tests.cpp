#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>

#include "fcgi/deliverer.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

class AtomicClock final : public Clock {
 public:
  [[nodiscard]] UtcSeconds now() const override { return UtcSeconds(std::chrono::seconds(seconds_.load())); }
  void pass(std::chrono::seconds duration) { seconds_ += duration.count(); }

 private:
  std::atomic<std::int64_t> seconds_ = 1'800'000'000;
};

/// What several stores share; to be looked at while they are used.
struct Memory {
  std::mutex mutex;
  std::vector<StoredEvent> events;
  const void* leader = nullptr;
  bool broken = false;
  unsigned calls_while_broken = 0;
};

/// A store in memory, which fails when it is told to.
class FakeStore final : public EventStore {
 public:
  explicit FakeStore(Memory& memory) : memory_(memory) {}
  ~FakeStore() override {
    const std::lock_guard lock(memory_.mutex);
    if (memory_.leader == this) memory_.leader = nullptr;
  }

  void append(const NewEvent& event, UtcSeconds now) override {
    const auto lock = locked();
    StoredEvent stored;
    stored.id = event.id;
    stored.subject = event.subject;
    stored.stored_at = stored.next_attempt = now;
    memory_.events.push_back(stored);
  }
  bool lead() override {
    const auto lock = locked();
    if (memory_.leader == nullptr) memory_.leader = this;
    return memory_.leader == this;
  }
  std::vector<StoredEvent> due(UtcSeconds now, std::size_t limit) override {
    const auto lock = locked();
    std::set<std::string> seen;
    std::vector<StoredEvent> found;
    for (const StoredEvent& event : memory_.events) {
      if (event.dead || !seen.insert(event.subject).second) continue;
      if (event.next_attempt <= now && found.size() < limit) found.push_back(event);
    }
    return found;
  }
  void delivered(const StoredEvent& event) override {
    const auto lock = locked();
    std::erase_if(memory_.events, [&](const StoredEvent& each) { return each.id == event.id; });
  }
  void postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) override {
    const auto lock = locked();
    StoredEvent& stored = find(event.id);
    ++stored.attempts;
    stored.next_attempt = next_attempt;
    stored.last_error = error;
  }
  void bury(const StoredEvent& event, std::string_view error) override {
    const auto lock = locked();
    StoredEvent& stored = find(event.id);
    ++stored.attempts;
    stored.last_error = error;
    stored.dead = true;
  }
  std::vector<StoredEvent> list() override {
    const auto lock = locked();
    return memory_.events;
  }
  EventCounts counts() override { return {}; }
  bool retry(std::string_view, UtcSeconds) override { return false; }
  bool drop(std::string_view) override { return false; }

 private:
  std::unique_lock<std::mutex> locked() {
    std::unique_lock lock(memory_.mutex);
    if (!memory_.broken) return lock;
    ++memory_.calls_while_broken;
    throw EventStoreError("the disk is full");
  }
  StoredEvent& find(const std::string& id) {
    return *std::ranges::find(memory_.events, id, &StoredEvent::id);
  }

  Memory& memory_;
};

/// The application: says no to what it is told to, and may be made to hang.
class Application {
 public:
  SenderFactory factory() {
    return [this] {
      ++senders_;
      return [this](const StoredEvent& event) { return receive(event); };
    };
  }
  void refuse(const std::string& id, int times) {
    const std::lock_guard lock(mutex_);
    refusals_[id] = times;
  }
  void hang(bool hangs) {
    {
      const std::lock_guard lock(mutex_);
      hangs_ = hangs;
    }
    changed_.notify_all();
  }
  [[nodiscard]] std::string received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  [[nodiscard]] unsigned hanging() const {
    const std::lock_guard lock(mutex_);
    return hanging_;
  }
  [[nodiscard]] unsigned senders() const { return senders_; }

 private:
  std::optional<std::string> receive(const StoredEvent& event) {
    std::unique_lock lock(mutex_);
    if (!under_way_.insert(event.subject).second) received_ += " TWO AT ONCE OF " + event.subject;
    ++hanging_;
    changed_.wait(lock, [this] { return !hangs_; });
    --hanging_;
    under_way_.erase(event.subject);
    const bool refused = refusals_[event.id]-- > 0;
    received_ += (received_.empty() ? "" : " ") + event.id + (refused ? "!" : "");
    if (refused) return "HTTP 500";
    return std::nullopt;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> refusals_;
  std::set<std::string> under_way_;
  std::string received_;
  unsigned hanging_ = 0;
  std::atomic<unsigned> senders_ = 0;
  bool hangs_ = false;
};

template <class Condition>
bool soon(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// While it lives, no thread can be made from forbid() on: none has the memory for its stack.
class ThreadBan {
 public:
  ThreadBan() { ::pthread_getattr_default_np(&usual_); }
  ~ThreadBan() {
    ::pthread_setattr_default_np(&usual_);
    ::pthread_attr_destroy(&usual_);
  }
  ThreadBan(const ThreadBan&) = delete;
  ThreadBan& operator=(const ThreadBan&) = delete;
  ThreadBan(ThreadBan&&) = delete;
  ThreadBan& operator=(ThreadBan&&) = delete;
  static void forbid() {
    pthread_attr_t huge;
    ::pthread_attr_init(&huge);
    ::pthread_attr_setstacksize(&huge, std::size_t{1} << 60U);
    ::pthread_setattr_default_np(&huge);
    ::pthread_attr_destroy(&huge);
  }

 private:
  pthread_attr_t usual_{};
};

struct World {
  std::unique_ptr<Deliverer> deliverer() {
    return std::make_unique<Deliverer>(std::make_unique<FakeStore>(memory), application.factory(), clock,
                                       options, [this](std::string_view event, std::string_view detail) {
                                         const std::lock_guard lock(memory.mutex);
                                         notices += std::string(event) +
                                                    (detail.empty() ? "" : " " + std::string(detail)) + "\n";
                                       });
  }
  void append(const std::string& id, const std::string& subject) {
    FakeStore(memory).append({id, subject, "{}"}, clock.now());
  }
  void break_store(bool broken) {
    const std::lock_guard lock(memory.mutex);
    memory.broken = broken;
  }
  bool empty() {
    const std::lock_guard lock(memory.mutex);
    return memory.events.empty();
  }
  StoredEvent first() {
    const std::lock_guard lock(memory.mutex);
    return memory.events.at(0);
  }
  const void* leader() {
    const std::lock_guard lock(memory.mutex);
    return memory.leader;
  }
  std::string said() {
    const std::lock_guard lock(memory.mutex);
    return notices;
  }

  AtomicClock clock;
  Memory memory;
  Application application;
  std::string notices;
  DeliveryOptions options{4, 3, std::chrono::milliseconds(5), std::chrono::milliseconds(5),
                          std::chrono::milliseconds(5)};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(deliverer_tests)

// std::thread's destructor ends the whole process if its thread still runs.
BOOST_AUTO_TEST_CASE(without_all_of_its_threads_it_ends_those_that_run) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  World world;
  world.options.parallel = 4000;
  const ThreadBan ban;
  const auto before = threads();
  std::thread banning([&] {
    soon([&] { return threads() > before + 10; });
    ThreadBan::forbid();
  });
  BOOST_CHECK_THROW((void)world.deliverer(), std::system_error);
  banning.join();
  BOOST_TEST(soon([&] { return threads() < before + 10; }));
}

BOOST_AUTO_TEST_CASE(delays_double_up_to_five_minutes) {
  struct Row {
    unsigned attempts;
    double jitter;
    int seconds;
  };
  const Row rows[] = {
      {0, 1.0, 1},
      {0, 0.8, 1},
      {0, 1.3, 1},
      {1, 1.0, 2},
      {1, 0.8, 2},
      {1, 1.3, 3},
      {3, 1.0, 8},
      {3, 0.8, 6},
      {3, 1.3, 10},
      {8, 1.0, 256},
      {8, 0.8, 205},
      {8, 1.3, 300},
      {9, 0.8, 300},
      {9, 1.0, 300},
      {20, 0.8, 300},
      {31, 1.0, 300},
      {4294967295U, 1.3, 300},
  };
  for (const Row& row : rows)
    BOOST_TEST(retry_delay(row.attempts, row.jitter).count() == row.seconds,
               "attempt " << row.attempts << " times " << row.jitter);
}

BOOST_AUTO_TEST_CASE(events_are_delivered_and_forgotten) {
  World world;
  world.append("a", "a");
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.empty(); }));
  world.append("b", "b");
  BOOST_TEST(soon([&] { return world.empty(); }));
  BOOST_TEST(world.application.received() == "a b");
  BOOST_TEST(world.said() == "");
}

BOOST_AUTO_TEST_CASE(waking_looks_at_once) {
  World world;
  world.options.poll = world.options.follower_poll = std::chrono::hours(1);
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.leader() != nullptr; }));
  world.append("a", "a");
  deliverer->wake();
  BOOST_TEST(soon([&] { return world.empty(); }));
}

BOOST_AUTO_TEST_CASE(a_backlog_is_worked_off_without_pauses) {
  World world;
  world.options.poll = world.options.follower_poll = std::chrono::hours(1);
  for (int i = 0; i < 200; ++i)
    world.append(std::to_string(i), std::to_string(i % 9));
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.empty(); }));
}

BOOST_AUTO_TEST_CASE(each_thread_makes_its_sender_once) {
  World world;
  for (int i = 0; i < 100; ++i)
    world.append(std::to_string(i), std::to_string(i));
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.empty(); }));
  BOOST_TEST(world.application.senders() >= 1U);
  BOOST_TEST(world.application.senders() <= 4U);
}

BOOST_AUTO_TEST_CASE(as_many_at_once_as_allowed_but_one_of_a_subject) {
  World world;
  world.application.hang(true);
  for (const char* id : {"a1", "a2", "a3", "b1", "c1", "d1", "e1", "f1"})
    world.append(id, std::string(1, id[0]));
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.application.hanging() == 4; }));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  BOOST_TEST(world.application.hanging() == 4U);
  world.application.hang(false);
  BOOST_TEST(soon([&] { return world.empty(); }));
  const std::string received = world.application.received();
  BOOST_TEST(received.find("TWO") == std::string::npos);
  BOOST_TEST(received.find("a1") < received.find("a2"));
  BOOST_TEST(received.find("a2") < received.find("a3"));
}

BOOST_AUTO_TEST_CASE(a_failed_event_is_tried_later_and_not_overtaken) {
  World world;
  world.application.refuse("a1", 1);
  world.append("a1", "a");
  world.append("a2", "a");
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.first().attempts == 1; }));
  BOOST_TEST(world.first().last_error == "HTTP 500");
  const auto delay = world.first().next_attempt - world.clock.now();
  BOOST_TEST(delay.count() == 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  BOOST_TEST(world.application.received() == "a1!");
  world.clock.pass(delay);
  BOOST_TEST(soon([&] { return world.empty(); }));
  BOOST_TEST(world.application.received() == "a1! a1 a2");
  BOOST_TEST(world.said() == "delivery_failed a1: HTTP 500\ndelivery_works\n");
}

BOOST_AUTO_TEST_CASE(an_event_that_fails_too_often_is_dead) {
  World world;
  world.application.refuse("a1", 100);
  world.append("a1", "a");
  world.append("a2", "a");
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] {
    world.clock.pass(std::chrono::seconds(10));
    return world.application.received() == "a1! a1! a1! a2";
  }));
  BOOST_TEST(soon([&] {
    const std::lock_guard lock(world.memory.mutex);
    return world.memory.events.size() == 1;
  }));
  BOOST_TEST(world.first().dead);
  BOOST_TEST(world.first().attempts == 3U);
  BOOST_TEST(world.said() == "delivery_failed a1: HTTP 500\nevent_dead a1: HTTP 500\ndelivery_works\n");
}

BOOST_AUTO_TEST_CASE(a_sender_that_throws_has_failed) {
  World world;
  world.append("a", "a");
  const Deliverer deliverer(
      std::make_unique<FakeStore>(world.memory),
      []() -> Sender { throw std::runtime_error("no sender today"); }, world.clock, world.options,
      [](std::string_view, std::string_view) {});
  BOOST_TEST(soon([&] { return world.first().attempts == 1; }));
  BOOST_TEST(world.first().last_error == "no sender today");
}

BOOST_AUTO_TEST_CASE(one_of_two_delivers_until_it_goes) {
  World world;
  auto first = world.deliverer();
  BOOST_TEST(soon([&] { return world.leader() != nullptr; }));
  const void* const leader = world.leader();
  auto second = world.deliverer();
  std::string expected;
  for (int i = 0; i < 50; ++i) {
    world.append(std::to_string(i), "all");
    expected += (i == 0 ? "" : " ") + std::to_string(i);
  }
  BOOST_TEST(soon([&] { return world.empty(); }));
  // Two leaders would have sent some of them twice.
  BOOST_TEST(world.application.received() == expected);

  first.reset();
  world.append("next", "all");
  BOOST_TEST(soon([&] { return world.empty(); }));
  BOOST_TEST(world.application.received() == expected + " next");
  BOOST_TEST(world.leader() != leader);
}

BOOST_AUTO_TEST_CASE(stopping_waits_for_what_is_being_sent_and_notes_it) {
  World world;
  world.options.parallel = 1;
  world.application.hang(true);
  world.append("a", "a");
  world.append("b", "b");
  auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.application.hanging() == 1; }));
  deliverer->stop();  // which does not wait
  BOOST_TEST(world.application.received() == "");
  world.application.hang(false);
  deliverer.reset();
  BOOST_TEST(world.application.received() == "a");
  BOOST_TEST(world.first().id == "b");
  BOOST_TEST(world.leader() == nullptr);
}

BOOST_AUTO_TEST_CASE(stopping_idle_takes_no_time) {
  World world;
  world.options.poll = std::chrono::hours(1);
  world.options.follower_poll = world.options.error_pause = std::chrono::hours(1);
  const auto start = std::chrono::steady_clock::now();
  world.deliverer().reset();
  world.break_store(true);
  world.deliverer().reset();
  BOOST_TEST((std::chrono::steady_clock::now() - start < std::chrono::seconds(5)));
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_is_reported_once_and_tried_again) {
  World world;
  world.break_store(true);
  const auto deliverer = world.deliverer();
  const auto failed_again = [&] {
    const std::lock_guard lock(world.memory.mutex);
    return world.memory.calls_while_broken >= 5;
  };
  BOOST_TEST(soon(failed_again));
  BOOST_TEST(world.said() == "event_store_failed the disk is full\n");
  world.break_store(false);
  world.append("a", "a");
  BOOST_TEST(soon([&] { return world.empty(); }));
  BOOST_TEST(soon([&] { return world.said().ends_with("event_store_works\n"); }));
  BOOST_TEST(world.said() == "event_store_failed the disk is full\nevent_store_works\n");
}

BOOST_AUTO_TEST_CASE(what_was_sent_while_the_store_failed_is_not_sent_again) {
  World world;
  world.application.hang(true);
  world.append("a", "a");
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return world.application.hanging() == 1; }));
  world.break_store(true);
  world.application.hang(false);
  BOOST_TEST(soon([&] { return world.said() == "event_store_failed the disk is full\n"; }));
  world.break_store(false);
  BOOST_TEST(soon([&] { return world.empty(); }));
  BOOST_TEST(world.application.received() == "a");
}

BOOST_AUTO_TEST_CASE(a_store_that_fails_is_not_asked_all_the_time) {
  World world;
  world.options.error_pause = std::chrono::hours(1);
  world.break_store(true);
  const auto deliverer = world.deliverer();
  BOOST_TEST(soon([&] { return !world.said().empty(); }));
  for (int i = 0; i < 20; ++i) {
    deliverer->wake();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const std::lock_guard lock(world.memory.mutex);
  BOOST_TEST(world.memory.calls_while_broken == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
