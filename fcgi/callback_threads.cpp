#include "fcgi/callback_threads.hpp"

#include <exception>

#include "core/metrics.hpp"

namespace blobvalet::fcgi {

using std::chrono::steady_clock;

CallbackThreads::CallbackThreads(unsigned threads, const Clock& clock, const Log& log, Mailbox& mailbox,
                                 CallbackService* service, WorkerState* state)
    : most_threads_(threads), service_(service), clock_(clock), log_(log), mailbox_(mailbox), state_(state) {
  Meters* meters = state == nullptr ? nullptr : state->meters();
  if (meters == nullptr) return;
  in_flight_ = meters->meter(MeterKind::gauge, metric::kInFlight);
  waiting_ = meters->meter(MeterKind::gauge, metric::kCallbacksWaiting);
  busy_ = meters->meter(MeterKind::gauge, metric::kThreadsBusy);
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
    job.taken_at = steady_clock::now();
    queue_.push_back(std::move(job));
    ++pending_;
    count(in_flight_);
    count(waiting_);
    if (queue_.size() > idle_ && threads_.size() < most_threads_) start_thread();
  }
  changed_.notify_one();
  return true;
}

// Where there is no memory for another thread, the job waits for one that is there, or until it is late.
void CallbackThreads::start_thread() {
  try {
    threads_.emplace_back([this] { run(); });
  } catch (const std::exception&) {  // std::system_error or std::bad_alloc; the next job tries again
  }
}

std::optional<CallbackThreads::Time> CallbackThreads::next_late() const {
  if (pending_ == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return std::nullopt;
  return queue_.front().taken_at + kLongestWait;
}

std::vector<CallbackJob> CallbackThreads::take_late(Time now) {
  if (pending_ == 0) return {};
  const std::lock_guard lock(mutex_);
  std::vector<CallbackJob> late;
  while (!queue_.empty() && queue_.front().taken_at + kLongestWait <= now) {
    late.push_back(std::move(queue_.front()));
    queue_.pop_front();
    --pending_;
    uncount(in_flight_);
    uncount(waiting_);
  }
  return late;
}

bool CallbackThreads::stand_still(Time now) const {
  const std::lock_guard lock(mutex_);
  return threads_.size() == most_threads_ && idle_ == 0 && begun_ + kLongestCallback < now;
}

std::size_t CallbackThreads::pending() const {
  if (pending_ == 0) return 0;
  const std::lock_guard lock(mutex_);
  return pending_;
}

std::optional<CallbackJob> CallbackThreads::next() {
  std::unique_lock lock(mutex_);
  ++idle_;
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  --idle_;
  if (queue_.empty()) return std::nullopt;
  CallbackJob job = std::move(queue_.front());
  queue_.pop_front();
  begun_ = steady_clock::now();
  uncount(waiting_);
  return job;
}

void CallbackThreads::make_app(std::optional<SiteApp>& app, const std::shared_ptr<const Site>& site) const {
  if (service_ != nullptr) {
    app.emplace(site, clock_, log_, service_->ports_for(*site), state_);
  } else {
    app.emplace(site, clock_, log_, state_);
  }
}

void CallbackThreads::run() {
  std::optional<SiteApp> app;
  while (auto job = next()) {
    if (!app || app->site() != job->site) make_app(app, job->site);
    {
      const Presence busy(busy_);
      if (!app->answer(*job->connection, job->connection->request(), job->taken_at)) job->connection->close();
    }
    {
      // At once for the loop, which the mail wakes: it neither misses it nor waits for more.
      const std::lock_guard lock(mutex_);
      mailbox_.post(std::move(job->connection));
      --pending_;
      uncount(in_flight_);
    }
  }
}

}  // namespace blobvalet::fcgi
