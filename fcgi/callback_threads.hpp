#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/app.hpp"
#include "fcgi/log.hpp"
#include "fcgi/mailbox.hpp"

namespace blobvalet::fcgi {

/// A callback whose parameters and body are read, on its way to a thread.
struct CallbackJob {
  std::unique_ptr<Connection> connection;
  Request request;
  std::shared_ptr<const Site> site;  ///< the configuration at the time of the request
};

/// A bounded set of threads with a bounded queue. Callbacks may wait for Azure and for the site's
/// application, which the event loop must not.
class CallbackThreads {
 public:
  /// Answered connections go to `mailbox`.
  CallbackThreads(unsigned threads, const Clock& clock, const Log& log, Mailbox& mailbox);
  /// Answers what is queued, then ends.
  ~CallbackThreads();
  CallbackThreads(const CallbackThreads&) = delete;
  CallbackThreads& operator=(const CallbackThreads&) = delete;
  CallbackThreads(CallbackThreads&&) = delete;
  CallbackThreads& operator=(CallbackThreads&&) = delete;

  /// Takes the job, or leaves it untouched and returns false if the queue is full.
  [[nodiscard]] bool submit(CallbackJob& job);
  /// Callbacks taken and not yet back in the mailbox.
  [[nodiscard]] std::size_t pending() const;

 private:
  void run();
  [[nodiscard]] std::optional<CallbackJob> next();

  static constexpr std::size_t kQueueLength = 256;
  const Clock& clock_;
  const Log& log_;
  Mailbox& mailbox_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<CallbackJob> queue_;
  std::size_t pending_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace blobvalet::fcgi
