#include "fcgi/adapters/event_stores.hpp"

#include "fcgi/adapters/redis_events.hpp"
#include "fcgi/adapters/sqlite_events.hpp"

namespace blobvalet::fcgi {

std::unique_ptr<EventStore> open_event_store(const EventStoreOptions& options, bool create) {
  if (options.kind == EventStoreOptions::Kind::redis) return std::make_unique<RedisEvents>(options);
  return std::make_unique<SqliteEvents>(options.file, create);
}

}  // namespace blobvalet::fcgi
