#pragma once
#include <chrono>
#include <memory>

#include "core/event_store.hpp"
#include "core/meters.hpp"
#include "core/ports.hpp"

namespace blobvalet::fcgi {

/// An event store that counts what becomes of events. As long as it leads it also says how many there are;
/// that is looked up every other second, however many events there are.
class MeteredEvents final : public EventStore {
 public:
  /// `meters` and `timer` outlive it.
  MeteredEvents(std::unique_ptr<EventStore> store, Meters& meters, Timer& timer);
  ~MeteredEvents() override;
  MeteredEvents(const MeteredEvents&) = delete;
  MeteredEvents& operator=(const MeteredEvents&) = delete;
  MeteredEvents(MeteredEvents&&) = delete;
  MeteredEvents& operator=(MeteredEvents&&) = delete;

  void append(const NewEvent& event, UtcSeconds now) override { store_->append(event, now); }
  [[nodiscard]] bool lead() override;
  [[nodiscard]] std::vector<StoredEvent> due(UtcSeconds now, std::size_t limit) override {
    return store_->due(now, limit);
  }
  void delivered(const StoredEvent& event) override;
  void postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) override;
  void bury(const StoredEvent& event, std::string_view error) override;
  [[nodiscard]] std::vector<StoredEvent> list() override { return store_->list(); }
  [[nodiscard]] EventCounts counts() override { return store_->counts(); }
  bool retry(std::string_view id, UtcSeconds now) override { return store_->retry(id, now); }
  bool drop(std::string_view id) override { return store_->drop(id); }

 private:
  void say(const EventCounts& counts);

  const std::unique_ptr<EventStore> store_;
  Timer& timer_;
  Meter* const waiting_;
  Meter* const dead_;
  Meter* const oldest_;
  Meter* const delivered_;
  Meter* const failed_;
  Timer::Time counted_at_{};
};

}  // namespace blobvalet::fcgi
