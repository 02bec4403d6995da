#include "fcgi/site_callbacks.hpp"

#include "core/metrics.hpp"
#include "fcgi/adapters/event_stores.hpp"
#include "fcgi/adapters/magic_numbers.hpp"
#include "fcgi/adapters/refusal_files.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/adapters/steady_timer.hpp"

namespace blobvalet::fcgi {
namespace {

std::unique_ptr<EventStore> store_for(const Site& site) {
  const auto& hook = site.success().hook;
  if (!hook || hook->mode == HookOptions::Mode::sync) return nullptr;
  return open_event_store(hook->store, true);
}

/// A thread's connections, and where its events go.
class SitePorts final : public ThreadPorts {
 public:
  SitePorts(const Site& site, std::function<void()> event_stored, Meters* meters)
      : refusals_(site.success().state_directory), events_(store_for(site)), ports_{http_,
                                                                                    timer_,
                                                                                    magic_numbers_,
                                                                                    secret_files_,
                                                                                    refusals_,
                                                                                    events_.get(),
                                                                                    std::move(event_stored)} {
    if (meters == nullptr) return;
    ports_.azure_durations = Histogram(*meters, metric::kAzure, {});
    ports_.hook_durations = Histogram(*meters, metric::kHook, {});
  }

  [[nodiscard]] const CallbackPorts& ports() const override { return ports_; }

 private:
  CurlHttp http_;
  SteadyTimer timer_;
  LibMagic magic_numbers_;
  FileSecrets secret_files_;
  RefusalFiles refusals_;
  std::unique_ptr<EventStore> events_;
  CallbackPorts ports_;
};

}  // namespace

std::unique_ptr<ThreadPorts> SiteCallbacks::ports_for(const Site& site) {
  return std::make_unique<SitePorts>(
      site, [this] { deliveries_.wake(); }, meters_);
}

}  // namespace blobvalet::fcgi
