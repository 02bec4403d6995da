// What a worker of the success pool does with events, without the web around it: threads that store events,
// and a Deliverer. Killed at any moment it must lose none, which its journals show: a line in the one of
// stored events once append() has returned, a line in the one of deliveries before a delivery counts as done.
//
//   event_worker work STORE NAME THREADS STORED DELIVERED   until SIGTERM; from SIGUSR1 on it stores no more
//   event_worker measure STORE THREADS SECONDS              appends as fast as it can; prints how many a
//   second event_worker list|list-json STORE, retry STORE [ID], drop STORE ID    as the commands of blobvalet
//   do
//
// STORE is an SQLite file, or redis: and the path of a Redis server's unix socket.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

#include "fcgi/adapters/event_stores.hpp"
#include "fcgi/adapters/redis_events.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/deliverer.hpp"
#include "fcgi/file_descriptor.hpp"
#include "fcgi/system_clock.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;

namespace {

std::atomic<bool> stored_enough = false;

/// Lines of a file that several processes append to; a line written survives the process.
class Journal {
 public:
  explicit Journal(const char* file) : fd_(::open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)) {}
  void write(const std::string& line) const {
    const std::string text = line + "\n";
    if (::write(fd_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  }

 private:
  FileDescriptor fd_;
};

EventStoreOptions store_options(std::string_view store) {
  EventStoreOptions options;
  options.file = store;
  if (!store.starts_with("redis:")) return options;
  options.kind = EventStoreOptions::Kind::redis;
  options.host = store.substr(6);
  return options;
}

/// A lease short enough for a test that waits for one to run out.
std::unique_ptr<EventStore> open_store(std::string_view store) {
  const EventStoreOptions options = store_options(store);
  if (options.kind == EventStoreOptions::Kind::sqlite) return open_event_store(options, true);
  return std::make_unique<RedisEvents>(options, std::chrono::milliseconds(2000));
}

/// Stores events of one subject, numbered; one that the store did not take is tried again, as by the client.
void store_events(std::string_view store, const std::string& subject, const Journal& stored,
                  Deliverer& deliverer) {
  const auto events = open_store(store);
  const SystemClock clock;
  for (int number = 1; !stored_enough; ++number) {
    const std::string id = subject + "-" + std::to_string(number);
    for (bool done = false; !done && !stored_enough;) {
      try {
        events->append({id, subject, "{}"}, clock.now());
        done = true;
        stored.write(id);
        deliverer.wake();
      } catch (const EventStoreError& error) {
        std::cerr << error.what() << "\n";
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

/// Fails one event in two hundred at its first attempt.
Sender sender(const Journal& delivered) {
  return [&delivered](const StoredEvent& event) -> std::optional<std::string> {
    if (event.attempts == 0 && std::hash<std::string>()(event.id) % 200 == 0) return "not now";
    delivered.write(event.id);
    return std::nullopt;
  };
}

int work(std::string_view store, const std::string& name, int threads, const char* stored_file,
         const char* delivered_file) {
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Journal stored(stored_file);
  const Journal delivered(delivered_file);
  const SystemClock clock;
  DeliveryOptions options;
  options.follower_poll = std::chrono::milliseconds(50);
  Deliverer deliverer(
      open_store(store), [&] { return sender(delivered); }, clock, options);
  std::vector<std::thread> storing;
  storing.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    // Each run has subjects of its own: who was killed cannot tell whether its last event was stored.
    const std::string subject = name + "." + std::to_string(::getpid()) + "." + std::to_string(i);
    storing.emplace_back([&, subject] { store_events(store, subject, stored, deliverer); });
  }
  int signal = 0;
  while (signal != SIGTERM && ::sigwait(&signals, &signal) == 0)
    stored_enough = true;
  for (std::thread& thread : storing)
    thread.join();
  return 0;
}

int measure(std::string_view store, int threads, int seconds) {
  std::atomic<int> count = 0;
  std::atomic<int> failed = 0;
  std::atomic<std::int64_t> slowest_us = 0;
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + std::chrono::seconds(seconds);
  std::vector<std::thread> storing;
  storing.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; ++i) {
    storing.emplace_back([&, i] {
      const auto events = open_store(store);
      const std::string body(800, 'x');
      for (int n = 0; std::chrono::steady_clock::now() < end; ++n) {
        const std::string id = std::to_string(i) + "-" + std::to_string(n);
        const auto start = std::chrono::steady_clock::now();
        try {
          events->append({id, "acme/uploads/" + id, body}, UtcSeconds(std::chrono::seconds(1)));
          ++count;
        } catch (const EventStoreError&) {
          ++failed;
        }
        const std::int64_t took = (std::chrono::steady_clock::now() - start) / std::chrono::microseconds(1);
        for (std::int64_t most = slowest_us; took > most && !slowest_us.compare_exchange_weak(most, took);) {
        }
      }
    });
  }
  for (std::thread& thread : storing)
    thread.join();
  std::cout << count / seconds << " appends/s, slowest " << slowest_us / 1000 << " ms, " << failed
            << " failed\n";
  return 0;
}

int change(std::string_view store, const std::string& command, const std::string& id,
           const std::string& text) {
  const auto events = open_store(store);
  const UtcSeconds now = SystemClock().now();
  StoredEvent event;
  event.id = id;
  if (command == "store") events->append({id, text, "the body"}, now);
  if (command == "postpone") events->postpone(event, now + std::chrono::hours(1), text);
  if (command == "bury") events->bury(event, text);
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  const std::string& command = arguments.at(1);
  const std::string& store = arguments.at(2);
  const auto third = arguments.size() > 3 ? std::optional(arguments[3]) : std::nullopt;
  if (command == "list") return static_cast<int>(list_events(store_options(store), false));
  if (command == "list-json") return static_cast<int>(list_events(store_options(store), true));
  if (command == "retry") return static_cast<int>(retry_events(store_options(store), third));
  if (command == "drop") return static_cast<int>(drop_event(store_options(store), third.value()));
  if (command == "measure") return measure(store, std::stoi(third.value()), std::stoi(arguments.at(4)));
  if (arguments.size() == 5) return change(store, command, third.value(), arguments[4]);
  if (command != "work") return 2;
  return work(store, third.value(), std::stoi(arguments.at(4)), arguments.at(5).c_str(),
              arguments.at(6).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
