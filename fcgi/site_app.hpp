#pragma once
#include <memory>

#include "core/app.hpp"
#include "fcgi/log.hpp"
#include "fcgi/connection.hpp"

namespace blobvalet::fcgi {

/// A thread's App with the Site it was made for, and the one place where a request becomes bytes on the wire and a
/// line in the log.
class SiteApp {
 public:
  SiteApp(std::shared_ptr<const Site> site, const Clock& clock) : site_(site), app_(std::move(site), clock) {}

  [[nodiscard]] const std::shared_ptr<const Site>& site() const { return site_; }

  /// Answers on `connection` and logs. An exception, which only a bug or a lack of memory causes, is answered by 500.
  /// False if the connection is to be closed.
  [[nodiscard]] bool answer(Connection& connection, const Request& request, Response& response, const Log& log);

 private:
  std::shared_ptr<const Site> site_;
  App app_;
};

/// Answers with the error alone, without App: for a worker that is too busy.
[[nodiscard]] bool answer_busy(Connection& connection, const Request& request, Response& response, const Log& log);

}  // namespace blobvalet::fcgi
