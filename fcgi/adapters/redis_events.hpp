#pragma once
#include <chrono>
#include <initializer_list>
#include <memory>
#include <string>

#include "core/event_store.hpp"
#include "fcgi/adapters/redis_connection.hpp"

namespace blobvalet::fcgi {

/// Events in a Redis server (7.0 or newer, no cluster) that all workers of all machines share. How durable
/// append() is, the server's `appendonly` and `appendfsync` say; its `maxmemory-policy` must be `noeviction`.
///
/// The deliverer holds a lease, `<prefix>:leader`, renewed by each lead(). One delivery must therefore take
/// less than the lease, less a call's time limit. Each call is bounded: one second to connect (after the name
/// is resolved) and two for each answer.
class RedisEvents final : public EventStore {
 public:
  static constexpr std::chrono::milliseconds kLease{30000};

  explicit RedisEvents(EventStoreOptions options, std::chrono::milliseconds lease = kLease);
  /// Gives the lease back.
  ~RedisEvents() override;

  void append(const NewEvent& event, UtcSeconds now) override;
  [[nodiscard]] bool lead() override;
  [[nodiscard]] std::vector<StoredEvent> due(UtcSeconds now, std::size_t limit) override;
  void delivered(const StoredEvent& event) override;
  void postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) override;
  void bury(const StoredEvent& event, std::string_view error) override;
  [[nodiscard]] std::vector<StoredEvent> list() override;
  [[nodiscard]] EventCounts counts() override;
  bool retry(std::string_view id, UtcSeconds now) override;
  bool drop(std::string_view id) override;

 private:
  class Reply;
  /// Runs one of the operations of the script, over a new connection if need be.
  Reply run(std::initializer_list<std::string_view> arguments);

  std::string prefix_;
  RedisAddress server_;
  std::string lease_ms_;
  std::string token_;  ///< says whose the lease is
  bool leads_ = false;
  std::unique_ptr<RedisConnection> connection_;  ///< null: made at the next use
};

}  // namespace blobvalet::fcgi
