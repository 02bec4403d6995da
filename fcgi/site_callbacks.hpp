#pragma once
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/callback_service.hpp"
#include "fcgi/deliveries.hpp"

namespace blobvalet::fcgi {

/// The CallbackService that asks the real world.
class SiteCallbacks final : public CallbackService {
 public:
  /// Both outlive it; `meters` may be null.
  explicit SiteCallbacks(const Clock& clock, Meters* meters = nullptr)
      : meters_(meters), deliveries_(clock, meters) {}

  [[nodiscard]] std::unique_ptr<ThreadPorts> ports_for(const Site& site) override;
  void deliver_for(const std::shared_ptr<const Site>& site) override { deliveries_.begin(site); }
  void stop() override { deliveries_.stop(); }

 private:
  CurlLibrary curl_;
  Meters* const meters_;
  Deliveries deliveries_;
};

}  // namespace blobvalet::fcgi
