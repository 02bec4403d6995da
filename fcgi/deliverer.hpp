#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/event_store.hpp"
#include "core/ports.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {

/// Sends one event; nothing if it was delivered, else why not. Must end within a bounded time.
using Sender = std::function<std::optional<std::string>(const StoredEvent&)>;
/// Makes a sender for one thread, which then keeps its connections.
using SenderFactory = std::function<Sender()>;
/// Writes a line to the log: what happened, and a detail.
using Notice = std::function<void(std::string_view, std::string_view)>;

struct DeliveryOptions {
  unsigned parallel = 4;                          ///< events sent at once, each of another subject
  unsigned max_attempts = 20;                     ///< an event that fails so often is dead
  std::chrono::milliseconds poll{200};            ///< the leader looks for new events
  std::chrono::milliseconds follower_poll{1000};  ///< others look whether the leader has gone
  std::chrono::milliseconds error_pause{1000};    ///< after the store failed
};

/// When an event is tried again that has failed `attempts` times before it failed once more: 1 s, 2 s, 4 s
/// and so on up to 5 minutes, times `jitter`, in whole seconds.
[[nodiscard]] std::chrono::seconds retry_delay(unsigned attempts, double jitter);

/// Delivers stored events while its store says that it leads: at least once each, those of a subject in their
/// order. Has threads of its own: one that uses the store, and `parallel` that send.
class Deliverer {
 public:
  /// Throws std::system_error or std::bad_alloc if one of them cannot be started.
  Deliverer(std::unique_ptr<EventStore> store, SenderFactory make_sender, const Clock& clock,
            DeliveryOptions options, Notice notice = &Log::notice);
  /// Waits for the sends under way and notes in the store how they went, so it takes as long as the longest
  /// send and a few calls of the store. What it could not note is delivered again.
  ~Deliverer();
  Deliverer(const Deliverer&) = delete;
  Deliverer& operator=(const Deliverer&) = delete;
  Deliverer(Deliverer&&) = delete;
  Deliverer& operator=(Deliverer&&) = delete;

  /// There may be a new event: looks at once.
  void wake();
  /// Begins to stop and returns at once, so that the destructor may find it done.
  void stop();

 private:
  struct Outcome {
    StoredEvent event;
    std::optional<std::string> error;
  };
  /// Reports a thing's first failure, and when it works again, but not what is between.
  class Health {
   public:
    Health(const Notice& notice, std::string_view failed, std::string_view works)
        : notice_(notice), failed_(failed), works_(works) {}
    void failed(std::string_view error);
    void works();
    [[nodiscard]] bool healthy() const { return healthy_; }

   private:
    const Notice& notice_;
    std::string_view failed_, works_;
    bool healthy_ = true;
  };

  // Of the thread that uses the store:
  void run();
  [[nodiscard]] std::chrono::milliseconds round();
  void settle_outcomes();
  void settle(const Outcome& outcome);
  void hand_out_due();
  void settle_last_outcomes();
  [[nodiscard]] bool wait(std::chrono::milliseconds pause);
  // Of those that send:
  void send_all();
  [[nodiscard]] std::optional<StoredEvent> next();
  [[nodiscard]] std::optional<std::string> send(Sender& sender, const StoredEvent& event) const;

  const std::unique_ptr<EventStore> store_;
  const SenderFactory make_sender_;
  const Clock& clock_;
  const DeliveryOptions options_;
  const Notice notice_;

  // Of the thread that uses the store:
  Health store_health_;
  Health delivery_health_;
  std::unordered_set<std::string> busy_;  ///< subjects of which an event is being sent, or not settled yet
  std::deque<Outcome> unsettled_;
  std::minstd_rand random_{std::random_device{}()};

  std::mutex mutex_;
  std::condition_variable news_;   ///< for the thread that uses the store
  std::condition_variable to_do_;  ///< for those that send
  std::deque<StoredEvent> queue_;  ///< never more than there are idle senders
  std::deque<Outcome> outcomes_;
  bool woken_ = false;
  bool stopping_ = false;

  std::vector<std::thread> senders_;
  std::thread thread_;
};

}  // namespace blobvalet::fcgi
