#pragma once
#include <functional>
#include <memory>

#include "core/site.hpp"
#include "core/upload_acceptance.hpp"

namespace blobvalet::fcgi {

/// What one thread's callbacks need of the world.
class ThreadPorts {
 public:
  ThreadPorts() = default;
  ThreadPorts(const ThreadPorts&) = delete;
  ThreadPorts& operator=(const ThreadPorts&) = delete;
  ThreadPorts(ThreadPorts&&) = delete;
  ThreadPorts& operator=(ThreadPorts&&) = delete;
  virtual ~ThreadPorts() = default;

  [[nodiscard]] virtual const CallbackPorts& ports() const = 0;
};

/// What a worker that answers callbacks has beside one that only signs: ways to Azure, to the site's
/// application and to the event store. The libraries that it takes are several times as large as the rest of
/// a worker, so whoever signs only is linked without them.
class CallbackService {
 public:
  CallbackService() = default;
  CallbackService(const CallbackService&) = delete;
  CallbackService& operator=(const CallbackService&) = delete;
  CallbackService(CallbackService&&) = delete;
  CallbackService& operator=(CallbackService&&) = delete;
  virtual ~CallbackService() = default;

  /// For one thread, which may be any; its stored events are delivered.
  [[nodiscard]] virtual std::unique_ptr<ThreadPorts> ports_for(const Site& site) = 0;
  /// Delivers stored events for `site` from now on.
  virtual void deliver_for(const std::shared_ptr<const Site>& site) = 0;
  /// Begins to stop delivering, so that the destructor need not wait as long.
  virtual void stop() = 0;
};

/// Both arguments outlive what it returns; the second may be null.
using MakeCallbackService = std::function<std::unique_ptr<CallbackService>(const Clock&, Meters*)>;

}  // namespace blobvalet::fcgi
