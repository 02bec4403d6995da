#pragma once
#include <memory>

#include "core/app.hpp"
#include "core/request_meter.hpp"
#include "fcgi/callback_service.hpp"
#include "fcgi/connection.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {

/// A thread's App with the Site it was made for. Here a request becomes bytes on the wire and a line in the
/// log.
class SiteApp {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Never waits, and refuses what would have to. `clock`, `log` and `state`, which may be null, outlive it.
  SiteApp(std::shared_ptr<const Site> site, const Clock& clock, const Log& log, WorkerState* state = nullptr)
      : site_(site), app_(std::move(site), clock, nullptr, state), log_(log), meter_(meters_of(state)) {}
  /// Answers everything.
  SiteApp(std::shared_ptr<const Site> site, const Clock& clock, const Log& log,
          std::unique_ptr<ThreadPorts> ports, WorkerState* state = nullptr)
      : site_(site),
        ports_(std::move(ports)),
        app_(std::move(site), clock, &ports_->ports(), state),
        log_(log),
        meter_(meters_of(state)) {}

  [[nodiscard]] const std::shared_ptr<const Site>& site() const { return site_; }

  /// Answers on `connection` and logs. An exception, which only a bug or a lack of memory causes, is answered
  /// by 500. The request has been there `since` then. False if the connection is to be closed.
  [[nodiscard]] bool answer(Connection& connection, const Request& request,
                            Time since = std::chrono::steady_clock::now());
  /// The same, for a worker that has no room for one more callback.
  [[nodiscard]] bool answer_busy(Connection& connection, const Request& request,
                                 Time since = std::chrono::steady_clock::now());

 private:
  [[nodiscard]] static Meters* meters_of(const WorkerState* state) {
    return state == nullptr ? nullptr : state->meters();
  }
  [[nodiscard]] Event handle(const Request& request);
  void log_further_events(Time since);
  [[nodiscard]] bool send(Connection& connection, const Event& event, Time since);

  std::shared_ptr<const Site> site_;
  std::unique_ptr<ThreadPorts> ports_;
  App app_;
  const Log& log_;
  Response response_;
  AccessLine line_;
  RequestMeter meter_;
};

}  // namespace blobvalet::fcgi
