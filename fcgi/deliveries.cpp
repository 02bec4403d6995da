#include "fcgi/deliveries.hpp"

#include "core/metrics.hpp"
#include "core/site_hook.hpp"
#include "core/timed_http.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/adapters/event_stores.hpp"
#include "fcgi/adapters/metered_events.hpp"
#include "fcgi/adapters/steady_timer.hpp"

namespace blobvalet::fcgi {
namespace {

/// What one sending thread keeps.
struct SenderState {
  SenderState(std::shared_ptr<const Site> the_site, const Clock& clock, Meters* meters)
      : site(std::move(the_site)),
        http(curl, timer, meters == nullptr ? Histogram() : Histogram(*meters, metric::kHook, {})),
        client(*site->success().hook, site->hook_secret(), http, timer, clock) {}
  std::shared_ptr<const Site> site;
  CurlHttp curl;
  SteadyTimer timer;
  TimedHttp http;
  HookClient client;
};

std::unique_ptr<Deliverer> deliverer_for(const std::shared_ptr<const Site>& site, const Clock& clock,
                                         Meters* meters, Timer& timer) {
  const auto& hook = site->success().hook;
  if (!hook || hook->mode == HookOptions::Mode::sync) return nullptr;
  const auto make_sender = [site, &clock, meters]() -> Sender {
    return [state = std::make_shared<SenderState>(site, clock, meters)](const StoredEvent& event) {
      return deliver(state->client, event.body);
    };
  };
  DeliveryOptions options;
  options.parallel = hook->parallel_deliveries;
  options.max_attempts = hook->max_attempts;
  auto store = open_event_store(hook->store, true);
  if (meters != nullptr) store = std::make_unique<MeteredEvents>(std::move(store), *meters, timer);
  return std::make_unique<Deliverer>(std::move(store), make_sender, clock, options);
}

}  // namespace

void Deliveries::begin(const std::shared_ptr<const Site>& site) {
  auto next = deliverer_for(site, clock_, meters_, timer_);
  std::unique_ptr<Deliverer> last;
  {
    const std::lock_guard lock(mutex_);
    last = std::exchange(current_, std::move(next));
  }
  if (last == nullptr) return;
  last->stop();
  // Sends take as long as the application does, and the event loop must not wait for them, nor for those of
  // the deliverer before.
  ending_ = std::jthread([ended = std::move(last), before = std::move(ending_)]() mutable { ended.reset(); });
}

void Deliveries::wake() {
  const std::lock_guard lock(mutex_);
  if (current_ != nullptr) current_->wake();
}

void Deliveries::stop() {
  const std::lock_guard lock(mutex_);
  if (current_ != nullptr) current_->stop();
}

}  // namespace blobvalet::fcgi
