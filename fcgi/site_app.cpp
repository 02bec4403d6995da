#include "fcgi/site_app.hpp"

#include <exception>

namespace blobvalet::fcgi {

using std::chrono::steady_clock;

bool SiteApp::answer(Connection& connection, const Request& request) {
  const Time start = steady_clock::now();
  return send(connection, handle(request), start);
}

bool SiteApp::answer_busy(Connection& connection, const Request& request) {
  const Time start = steady_clock::now();
  const Error busy{Errc::busy, "", "too many callbacks at once; try again"};
  return send(connection, App::fail(busy, request, response_), start);
}

Event SiteApp::handle(const Request& request) {
  try {
    return app_.handle(request, response_);
  } catch (const std::exception& bug) {
    Log::notice("internal_error", bug.what());
    return App::fail(Error{Errc::internal_error, "", "internal error"}, request, response_);
  }
}

/// The event's views end with the write, which ends the request.
bool SiteApp::send(Connection& connection, const Event& event, Time start) {
  const bool log = log_.access();
  if (log) line_.begin(event);
  const bool keep = connection.write(response_);
  if (log) line_.finish(std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start));
  return keep;
}

}  // namespace blobvalet::fcgi
