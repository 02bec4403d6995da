#include "fcgi/callback_ports.hpp"

#include "core/metrics.hpp"
#include "fcgi/adapters/event_stores.hpp"

namespace blobvalet::fcgi {
namespace {

std::unique_ptr<EventStore> store_for(const Site& site) {
  const auto& hook = site.success().hook;
  if (!hook || hook->mode == HookOptions::Mode::sync) return nullptr;
  return open_event_store(hook->store, true);
}

}  // namespace

ThreadPorts::ThreadPorts(const Site& site, std::function<void()> event_stored, Meters* meters)
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

}  // namespace blobvalet::fcgi
