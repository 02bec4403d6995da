#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/app.hpp"
#include "fcgi/log.hpp"
#include "fcgi/mailbox.hpp"
#include "fcgi/site_app.hpp"

namespace blobvalet::fcgi {

/// A connection whose request's parameters and body are read, on its way to a thread.
struct CallbackJob {
  std::unique_ptr<Connection> connection;
  std::shared_ptr<const Site> site;  ///< the configuration at the time of the request
  std::chrono::steady_clock::time_point taken_at = {};
};

/// A bounded set of threads with a bounded queue. Callbacks may wait for Azure and for the site's
/// application, and signatures for the store of rate limits, which the event loop must not. Threads are
/// started as they are needed, and stay.
class CallbackThreads {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Answered connections go to `mailbox`. Without `service` (null), what would wait for Azure or the
  /// application is refused. `state` may be null. All of them outlive it.
  CallbackThreads(unsigned threads, const Clock& clock, const Log& log, Mailbox& mailbox,
                  CallbackService* service, WorkerState* state = nullptr);
  /// Answers what is queued, then ends.
  ~CallbackThreads();
  CallbackThreads(const CallbackThreads&) = delete;
  CallbackThreads& operator=(const CallbackThreads&) = delete;
  CallbackThreads(CallbackThreads&&) = delete;
  CallbackThreads& operator=(CallbackThreads&&) = delete;

  /// Takes the job, or leaves it untouched and returns false if the queue is full.
  [[nodiscard]] bool submit(CallbackJob& job);
  /// When the job that has waited longest for a thread will have waited too long; nothing if none waits.
  [[nodiscard]] std::optional<Time> next_late() const;
  /// Gives back the jobs that have waited too long: all threads may be busy for much longer, and whoever
  /// waits had better try again.
  [[nodiscard]] std::vector<CallbackJob> take_late(Time now);
  /// True if every thread that there may be has been busy with one callback for longer than any can take.
  [[nodiscard]] bool stand_still(Time now) const;
  /// Callbacks taken and neither given back nor in the mailbox.
  [[nodiscard]] std::size_t pending() const;

 private:
  void run();
  void start_thread();
  void make_app(std::optional<SiteApp>& app, const std::shared_ptr<const Site>& site) const;
  [[nodiscard]] std::optional<CallbackJob> next();

  static constexpr std::size_t kQueueLength = 256;
  static constexpr std::chrono::milliseconds kLongestWait{2000};
  // blobvalet.json allows a minute for Azure and another one for the application.
  static constexpr std::chrono::seconds kLongestCallback{150};
  const unsigned most_threads_;
  CallbackService* const service_;
  const Clock& clock_;
  const Log& log_;
  Mailbox& mailbox_;
  WorkerState* const state_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CallbackJob> queue_;
  /// Only the thread that submits makes it more, so that for that one nothing is queued while it is 0: it
  /// asks with every request of any kind, and needs no lock then.
  std::atomic<std::size_t> pending_ = 0;
  std::size_t idle_ = 0;  ///< threads that wait for a job
  Time begun_{};          ///< when a thread took a job last
  bool stopping_ = false;
  std::vector<std::thread> threads_;
  Meter* in_flight_ = nullptr;  ///< taken, and not answered
  Meter* waiting_ = nullptr;    ///< of these, without a thread
  Meter* busy_ = nullptr;
};

}  // namespace blobvalet::fcgi
