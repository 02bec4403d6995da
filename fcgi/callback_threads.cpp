#include "fcgi/callback_threads.hpp"

#include "fcgi/site_app.hpp"

namespace blobvalet::fcgi {

CallbackThreads::CallbackThreads(unsigned threads, const Clock& clock, const Log& log, Mailbox& mailbox)
    : clock_(clock), log_(log), mailbox_(mailbox) {
  for (unsigned i = 0; i < threads; ++i)
    threads_.emplace_back([this] { run(); });
}

CallbackThreads::~CallbackThreads() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

bool CallbackThreads::submit(CallbackJob& job) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() == kQueueLength) return false;
    queue_.push_back(std::move(job));
    ++pending_;
  }
  changed_.notify_one();
  return true;
}

std::size_t CallbackThreads::pending() const {
  const std::lock_guard lock(mutex_);
  return pending_;
}

std::optional<CallbackJob> CallbackThreads::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (queue_.empty()) return std::nullopt;
  CallbackJob job = std::move(queue_.front());
  queue_.pop_front();
  return job;
}

void CallbackThreads::run() {
  std::optional<SiteApp> app;
  while (auto job = next()) {
    if (!app || app->site() != job->site) app.emplace(job->site, clock_, log_);
    if (!app->answer(*job->connection, job->request)) job->connection->close();
    {
      // Posted before it stops counting, so that a stopping loop never misses it.
      const std::lock_guard lock(mutex_);
      mailbox_.post(std::move(job->connection));
      --pending_;
    }
  }
}

}  // namespace blobvalet::fcgi
