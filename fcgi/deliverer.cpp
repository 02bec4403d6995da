#include "fcgi/deliverer.hpp"

#include <algorithm>
#include <cmath>

namespace blobvalet::fcgi {
namespace {

constexpr double kLongestDelaySeconds = std::chrono::duration<double>(kLongestRetryDelay).count();
constexpr double kLeastJitter = 0.8;
constexpr double kMostJitter = 1.3;

}  // namespace

std::chrono::seconds retry_delay(unsigned attempts, double jitter) {
  const double wanted = std::exp2(std::min(attempts, 20U)) * jitter;
  return std::chrono::seconds(std::lround(std::clamp(wanted, 1.0, kLongestDelaySeconds)));
}

void Deliverer::Health::failed(std::string_view error) {
  if (healthy_) notice_(failed_, error);
  healthy_ = false;
}

void Deliverer::Health::works() {
  if (!healthy_) notice_(works_, {});
  healthy_ = true;
}

Deliverer::Deliverer(std::unique_ptr<EventStore> store, SenderFactory make_sender, const Clock& clock,
                     DeliveryOptions options, Notice notice)
    : store_(std::move(store)),
      make_sender_(std::move(make_sender)),
      clock_(clock),
      options_(options),
      notice_(std::move(notice)),
      store_health_(notice_, "event_store_failed", "event_store_works"),
      delivery_health_(notice_, "delivery_failed", "delivery_works") {
  try {
    for (unsigned i = 0; i < options_.parallel; ++i)
      senders_.emplace_back([this] { send_all(); });
    thread_ = std::thread([this] { run(); });
  } catch (...) {  // for want of memory, say; those that run end before this does
    stop();
    for (std::thread& sender : senders_)
      sender.join();
    throw;
  }
}

Deliverer::~Deliverer() {
  stop();
  thread_.join();
}

void Deliverer::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  news_.notify_one();
}

void Deliverer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  news_.notify_one();
  to_do_.notify_all();
}

void Deliverer::run() {
  while (wait(round())) {
  }
  for (std::thread& sender : senders_)
    sender.join();
  settle_last_outcomes();
}

/// One look at the store; returns how long to wait for the next one.
std::chrono::milliseconds Deliverer::round() {
  try {
    settle_outcomes();
    const bool leads = store_->lead();
    if (leads) hand_out_due();
    store_health_.works();
    return leads ? options_.poll : options_.follower_poll;
  } catch (const EventStoreError& error) {
    store_health_.failed(error.what());
    return options_.error_pause;
  }
}

/// What the store could not take stays for the next round: it has been sent, and should not be again.
void Deliverer::settle_outcomes() {
  {
    const std::lock_guard lock(mutex_);
    std::ranges::move(outcomes_, std::back_inserter(unsettled_));
    outcomes_.clear();
  }
  while (!unsettled_.empty()) {
    settle(unsettled_.front());
    busy_.erase(unsettled_.front().event.subject);
    unsettled_.pop_front();
  }
}

void Deliverer::settle(const Outcome& outcome) {
  const StoredEvent& event = outcome.event;
  if (!outcome.error) {
    store_->delivered(event);
    return delivery_health_.works();
  }
  delivery_health_.failed(event.id + ": " + *outcome.error);
  if (event.attempts + 1 < options_.max_attempts) {
    const double jitter = std::uniform_real_distribution(kLeastJitter, kMostJitter)(random_);
    return store_->postpone(event, clock_.now() + retry_delay(event.attempts, jitter), *outcome.error);
  }
  store_->bury(event, *outcome.error);
  notice_("event_dead", event.id + ": " + *outcome.error);
}

/// The store still counts those being sent as due. There are fewer of them than senders, so asking for as
/// many as there are senders keeps all busy.
void Deliverer::hand_out_due() {
  if (busy_.size() >= options_.parallel) return;
  for (StoredEvent& event : store_->due(clock_.now(), options_.parallel)) {
    if (busy_.size() == options_.parallel) return;
    if (!busy_.insert(event.subject).second) continue;
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(event));
    }
    to_do_.notify_one();
  }
}

void Deliverer::settle_last_outcomes() {
  try {
    settle_outcomes();
  } catch (const EventStoreError& error) {
    store_health_.failed(error.what());
  }
}

/// Until there is something to do; false if that is to stop. While the store fails, only time helps.
bool Deliverer::wait(std::chrono::milliseconds pause) {
  std::unique_lock lock(mutex_);
  news_.wait_for(lock, pause,
                 [&] { return stopping_ || (store_health_.healthy() && (woken_ || !outcomes_.empty())); });
  woken_ = false;
  return !stopping_;
}

void Deliverer::send_all() {
  Sender sender;
  while (auto event = next()) {
    auto error = send(sender, *event);
    {
      const std::lock_guard lock(mutex_);
      outcomes_.push_back({std::move(*event), std::move(error)});
    }
    news_.notify_one();
  }
}

std::optional<StoredEvent> Deliverer::next() {
  std::unique_lock lock(mutex_);
  to_do_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (stopping_) return std::nullopt;
  StoredEvent event = std::move(queue_.front());
  queue_.pop_front();
  return event;
}

std::optional<std::string> Deliverer::send(Sender& sender, const StoredEvent& event) const {
  try {
    if (!sender) sender = make_sender_();
    return sender(event);
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace blobvalet::fcgi
