#include "fcgi/adapters/metered_events.hpp"

#include "core/metrics.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr std::chrono::seconds kCountEvery{2};

Meter* meter(Meters& meters, MeterKind kind, std::string_view name, std::string_view label,
             std::string_view value) {
  return meters.meter(kind, sample_name(name, {{label, value}}));
}

}  // namespace

MeteredEvents::MeteredEvents(std::unique_ptr<EventStore> store, Meters& meters, Timer& timer)
    : store_(std::move(store)),
      timer_(timer),
      waiting_(meter(meters, MeterKind::gauge, metric::kEvents, "state", "waiting")),
      dead_(meter(meters, MeterKind::gauge, metric::kEvents, "state", "dead")),
      oldest_(meters.meter(MeterKind::gauge, metric::kEventsOldest)),
      delivered_(meter(meters, MeterKind::counter, metric::kDeliveries, "outcome", "delivered")),
      failed_(meter(meters, MeterKind::counter, metric::kDeliveries, "outcome", "failed")) {}

MeteredEvents::~MeteredEvents() {
  say({});
}

bool MeteredEvents::lead() {
  const bool leads = store_->lead();
  const Timer::Time now = timer_.now();
  if (!leads) {
    say({});
  } else if (counted_at_ == Timer::Time{} || now - counted_at_ >= kCountEvery) {
    counted_at_ = now;
    say(store_->counts());
  }
  return leads;
}

void MeteredEvents::delivered(const StoredEvent& event) {
  store_->delivered(event);
  count(delivered_);
}

void MeteredEvents::postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) {
  store_->postpone(event, next_attempt, error);
  count(failed_);
}

void MeteredEvents::bury(const StoredEvent& event, std::string_view error) {
  store_->bury(event, error);
  count(failed_);
}

void MeteredEvents::say(const EventCounts& counts) {
  set(waiting_, counts.waiting);
  set(dead_, counts.dead);
  set(oldest_, counts.oldest ? static_cast<std::uint64_t>(counts.oldest->time_since_epoch().count()) : 0);
}

}  // namespace blobvalet::fcgi
