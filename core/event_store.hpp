#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/utc_time.hpp"

namespace blobvalet {

/// Where events wait for their delivery; the configuration's `success.hook.store`.
struct EventStoreOptions {
  enum class Kind : std::uint8_t { sqlite, redis };
  Kind kind = Kind::sqlite;
  std::string file = "/var/lib/blobvalet/events.db";  ///< sqlite: the database; its directory exists
  std::string host = "127.0.0.1";                     ///< redis: host name or address, or an absolute
                                                      ///< path: its unix socket
  unsigned port = 6379;                               ///< redis; unused with a unix socket
  std::string password_file;                          ///< redis: file with the password; empty: none
  std::string prefix = "blobvalet";                   ///< redis: its keys begin with `<prefix>:`

  friend bool operator==(const EventStoreOptions&, const EventStoreOptions&) = default;
};

/// How many events there are.
struct EventCounts {
  std::uint64_t waiting = 0;
  std::uint64_t dead = 0;
  std::optional<UtcSeconds> oldest;  ///< when the one was stored that has waited longest; nothing: none waits
};

struct NewEvent {
  std::string id;       ///< the same for the same event, so that a repetition can be told
  std::string subject;  ///< `account/container/blob`; events of one subject are delivered in order
  std::string body;     ///< the JSON that the hook receives
};

/// An event that waits for its delivery, or (dead) for an operator.
struct StoredEvent {
  std::string id;
  std::string subject;
  std::string body;
  UtcSeconds stored_at{};
  unsigned attempts = 0;      ///< deliveries that failed
  UtcSeconds next_attempt{};  ///< not before
  std::string last_error;     ///< empty: none yet
  bool dead = false;          ///< given up
};

/// The longest time by which a failed delivery is put off.
inline constexpr std::chrono::seconds kLongestRetryDelay{300};

/// The store cannot be used: its file, its server, or what is in it.
class EventStoreError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Port: events that survive whatever happens to the worker that took them. Shared by all workers, with one
/// of these objects for each thread. Every member but the constructors throws EventStoreError.
class EventStore {
 public:
  EventStore() = default;
  EventStore(const EventStore&) = delete;
  EventStore& operator=(const EventStore&) = delete;
  virtual ~EventStore() = default;

  /// When it returns, the event is stored durably. An event whose id waits already is left as it is; a dead
  /// one is replaced, and so waits again behind all others.
  virtual void append(const NewEvent& event, UtcSeconds now) = 0;

  /// True if this object's owner is the one to deliver now; to be asked again
  /// before each round. Of all owners on all machines that share the store one leads at a time, and when it
  /// dies, another one may.
  [[nodiscard]] virtual bool lead() = 0;
  /// The events to deliver now: for each subject the oldest waiting one, if its time has come, or is further
  /// off than kLongestRetryDelay: then the clock has been set back since. At most `limit`, the longest due
  /// first.
  [[nodiscard]] virtual std::vector<StoredEvent> due(UtcSeconds now, std::size_t limit) = 0;
  /// It has been delivered: forgets it.
  virtual void delivered(const StoredEvent& event) = 0;
  /// A delivery failed: counts it, and puts the next one off.
  virtual void postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) = 0;
  /// The last attempt failed: the event is dead, and later ones of its subject may go.
  virtual void bury(const StoredEvent& event, std::string_view error) = 0;

  /// All events, oldest first, dead ones included.
  [[nodiscard]] virtual std::vector<StoredEvent> list() = 0;
  /// The same, only counted.
  [[nodiscard]] virtual EventCounts counts() = 0;
  /// Lets a dead event wait again, with no failed attempts and behind all others; one that is put off is due
  /// at once. False if there is no such event.
  virtual bool retry(std::string_view id, UtcSeconds now) = 0;
  /// Forgets an event, delivered or not. False if there is no such event.
  virtual bool drop(std::string_view id) = 0;
};

}  // namespace blobvalet
