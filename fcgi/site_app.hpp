#pragma once
#include <functional>
#include <memory>

#include "core/app.hpp"
#include "fcgi/callback_ports.hpp"
#include "fcgi/connection.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {

/// A thread's App with the Site it was made for. Here a request becomes bytes on the wire and a line in the
/// log.
class SiteApp {
 public:
  /// Never waits, and refuses what would have to. `clock`, `log` and `state`, which may be null, outlive it.
  SiteApp(std::shared_ptr<const Site> site, const Clock& clock, const Log& log, WorkerState* state = nullptr)
      : site_(site), app_(std::move(site), clock, nullptr, state), log_(log) {}
  /// Answers everything; `event_stored` is called after each event that is stored.
  SiteApp(std::shared_ptr<const Site> site, const Clock& clock, const Log& log,
          std::function<void()> event_stored, WorkerState* state = nullptr)
      : site_(site),
        ports_(std::make_unique<ThreadPorts>(*site, std::move(event_stored))),
        app_(std::move(site), clock, &ports_->ports(), state),
        log_(log) {}

  [[nodiscard]] const std::shared_ptr<const Site>& site() const { return site_; }

  /// Answers on `connection` and logs. An exception, which only a bug or a lack of memory causes, is answered
  /// by 500. False if the connection is to be closed.
  [[nodiscard]] bool answer(Connection& connection, const Request& request);
  /// The same, for a worker that has no room for one more callback.
  [[nodiscard]] bool answer_busy(Connection& connection, const Request& request);

 private:
  using Time = std::chrono::steady_clock::time_point;
  [[nodiscard]] Event handle(const Request& request);
  [[nodiscard]] bool send(Connection& connection, const Event& event, Time start);

  std::shared_ptr<const Site> site_;
  std::unique_ptr<ThreadPorts> ports_;
  App app_;
  const Log& log_;
  Response response_;
  AccessLine line_;
};

}  // namespace blobvalet::fcgi
