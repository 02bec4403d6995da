#pragma once
#include <functional>
#include <memory>

#include "core/site.hpp"
#include "core/upload_acceptance.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/adapters/magic_numbers.hpp"
#include "fcgi/adapters/refusal_files.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/adapters/steady_timer.hpp"

namespace blobvalet::fcgi {

/// What one thread's callbacks need of the world: its connections, and where events go.
class ThreadPorts {
 public:
  /// `event_stored` is called, by this thread, after each event that is stored.
  /// `meters`, which may be null, outlives it.
  ThreadPorts(const Site& site, std::function<void()> event_stored, Meters* meters);

  [[nodiscard]] const CallbackPorts& ports() const { return ports_; }

 private:
  CurlHttp http_;
  SteadyTimer timer_;
  LibMagic magic_numbers_;
  FileSecrets secret_files_;
  RefusalFiles refusals_;
  std::unique_ptr<EventStore> events_;
  CallbackPorts ports_;
};

}  // namespace blobvalet::fcgi
