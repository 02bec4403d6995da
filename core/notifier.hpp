#pragma once
#include <functional>
#include <optional>
#include <span>

#include "core/site.hpp"
#include "core/site_hook.hpp"

namespace blobvalet {

/// Tells the site's application, if it wants to be told: now, or by way of the event store. Not for use by
/// two threads at once.
class Notifier {
 public:
  /// `events` may be null unless the hook is asynchronous; `stored` is called after each event that is
  /// stored.
  Notifier(const Site& site, Http& http, Timer& timer, const Clock& clock, EventStore* events,
           std::function<void()> stored);

  /// The application's verdict; one that need not be asked, or is told later, accepts. With
  /// OnFailure::accept an application that does not answer does so, too. `headers` are the browser's.
  [[nodiscard]] HookVerdict tell(const HookFacts& facts, std::span<const NamedValue> headers,
                                 bool with_properties);

 private:
  [[nodiscard]] HookVerdict ask(const NewEvent& message, std::span<const NamedValue> headers,
                                bool with_properties);
  [[nodiscard]] HookVerdict store(const NewEvent& message);

  const HookOptions* options_;  ///< null: no hook
  std::optional<HookClient> client_;
  EventStore* events_;
  std::function<void()> stored_;
  const Clock& clock_;
};

}  // namespace blobvalet
