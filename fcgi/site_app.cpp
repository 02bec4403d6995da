#include "fcgi/site_app.hpp"

#include <exception>

namespace blobvalet::fcgi {

using std::chrono::steady_clock;

namespace {

std::chrono::microseconds since_then(SiteApp::Time then) {
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - then);
}

}  // namespace

bool SiteApp::answer(Connection& connection, const Request& request, Time since) {
  return send(connection, handle(request), since);
}

bool SiteApp::answer_busy(Connection& connection, const Request& request, Time since) {
  const Error callbacks{Errc::busy, "", "too many callbacks at once; try again"};
  const Error signatures{Errc::busy, "", "too many requests at once; try again"};
  return send(connection,
              App::fail(request.endpoint == "success" ? callbacks : signatures, request, response_), since);
}

Event SiteApp::handle(const Request& request) {
  try {
    return app_.handle(request, response_);
  } catch (const std::exception& bug) {
    Log::notice("internal_error", bug.what());
    return App::fail(Error{Errc::internal_error, "", "internal error"}, request, response_);
  }
}

/// The event's views end with the write, which ends the request. It is counted before, so that whoever has
/// the answer finds it counted.
bool SiteApp::send(Connection& connection, const Event& event, Time since) {
  log_further_events(since);
  const bool log = log_.wants(event);
  if (log) line_.begin(event);
  meter_.answered(event, steady_clock::now() - since);
  const bool keep = connection.write(response_);
  if (log) line_.finish(since_then(since));
  return keep;
}

/// Each of them in a line of its own, before they are given away.
void SiteApp::log_further_events(Time since) {
  for (const Event& event : app_.further_events()) {
    if (!log_.wants(event)) continue;
    line_.begin(event);
    line_.finish(since_then(since));
  }
}

}  // namespace blobvalet::fcgi
