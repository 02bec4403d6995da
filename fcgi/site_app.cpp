#include "fcgi/site_app.hpp"

#include <chrono>
#include <exception>

namespace blobvalet::fcgi {
namespace {

using std::chrono::steady_clock;

std::chrono::microseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - start);
}

}  // namespace

bool SiteApp::answer(Connection& connection, const Request& request, Response& response, const Log& log) {
  const auto start = steady_clock::now();
  Event event;
  try {
    event = app_.handle(request, response);
  } catch (const std::exception& bug) {
    Log::notice("internal_error", bug.what());
    event = App::fail(Error{Errc::internal_error, "", "internal error"}, request, response);
  }
  const bool keep = connection.write(response);
  log.request(event, since(start));
  return keep;
}

bool answer_busy(Connection& connection, const Request& request, Response& response, const Log& log) {
  const Event event = App::fail(Error{Errc::busy, "", "too many callbacks at once; try again"}, request, response);
  const bool keep = connection.write(response);
  log.request(event, std::chrono::microseconds(0));
  return keep;
}

}  // namespace blobvalet::fcgi
