#pragma once
#include <memory>

#include "core/event_store.hpp"

namespace blobvalet::fcgi {

/// The store that the options name. It is opened, or connected to, at its first use, and again at the next
/// one after an error. With `create` (a worker) it makes what is missing; without (an operator) a store that
/// is not there is an error.
[[nodiscard]] std::unique_ptr<EventStore> open_event_store(const EventStoreOptions& options, bool create);

}  // namespace blobvalet::fcgi
