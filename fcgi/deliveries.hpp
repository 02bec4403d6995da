#pragma once
#include <memory>
#include <mutex>
#include <thread>

#include "core/meters.hpp"
#include "core/site.hpp"
#include "fcgi/adapters/steady_timer.hpp"
#include "fcgi/deliverer.hpp"

namespace blobvalet::fcgi {

/// The worker's deliverer, if the site has a hook that is told later; a reload may change it.
class Deliveries {
 public:
  /// Both outlive it; `meters` may be null.
  explicit Deliveries(const Clock& clock, Meters* meters = nullptr) : clock_(clock), meters_(meters) {}

  /// Delivers for `site` from now on. Where another site's deliverer still has messages under way, it is left
  /// to end by itself.
  void begin(const std::shared_ptr<const Site>& site);
  /// There may be a new event. May be called by any thread.
  void wake();
  /// Begins to stop, so that the destructor need not wait as long.
  void stop();

 private:
  const Clock& clock_;
  Meters* const meters_;
  SteadyTimer timer_;
  std::mutex mutex_;
  std::unique_ptr<Deliverer> current_;
  std::jthread ending_;  ///< waits for the deliverer before
};

}  // namespace blobvalet::fcgi
