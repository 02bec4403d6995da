#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/event_store.hpp"
#include "core/utc_time.hpp"
#include "fcgi/callback_service.hpp"

namespace blobvalet::fcgi {

/// What the program's exit codes mean; README and --help list them.
enum class ExitCode : int {
  success = 0,
  failure = 1,  ///< something failed at run time, or a vector did not pass
  usage = 2,    ///< wrong arguments, or nothing on fd 0 that may be served
  refused = 3,  ///< `sign`: the request was refused
  bad_configuration = 4,
};

/// What `--config` is unless it is given.
inline constexpr const char* kUsualConfigFile = "/etc/blobvalet/blobvalet.json";

struct KeyStatusOptions {
  bool json = false;
  bool offline = false;  ///< Azure is not asked
};

struct KeySwitchOptions {
  std::string account;
  std::optional<bool> to_next;  ///< nothing: the key that does not sign now
  bool force = false;           ///< also to a key that does not work, or of which nobody knows
};

/// True if fd 0 is a listening socket, as spawn-fcgi and systemd pass it.
[[nodiscard]] bool stdin_is_listening();

/// Serves FastCGI on fd 0 until SIGTERM. Without `make_callbacks` (empty), what might wait for Azure, the
/// application or the event store is refused, and the worker needs neither network nor files beyond its keys.
[[nodiscard]] ExitCode serve(const std::string& config_file, const MakeCallbackService& make_callbacks);

/// The event store that the configuration names; nothing, said on standard error, if it names none or is
/// faulty.
[[nodiscard]] std::optional<EventStoreOptions> event_store_of(const std::string& config_file);

/// Lists the stored events, oldest first: a table, or with `json` one object a line, bodies included.
[[nodiscard]] ExitCode list_events(const EventStoreOptions& options, bool json);

/// Lets one event be delivered at once, or (no id) all dead ones.
[[nodiscard]] ExitCode retry_events(const EventStoreOptions& options, const std::optional<std::string>& id);

/// Keeps the user delegation keys of all accounts that have an identity fresh, and watches the clock, until
/// SIGTERM; with `once`, renews what is due and ends. Its only memory are the files that workers read.
[[nodiscard]] ExitCode renew_keys(const std::string& config_file, bool once);

/// Shows which keys sign, whether Azure takes them, and until when what they have signed is valid.
[[nodiscard]] ExitCode show_keys(const std::string& config_file, const KeyStatusOptions& options);

/// Lets an account sign with its other key, by a change of the configuration file that its workers follow.
[[nodiscard]] ExitCode switch_keys(const std::string& config_file, const KeySwitchOptions& options);

/// Forgets an event.
[[nodiscard]] ExitCode drop_event(const EventStoreOptions& options, const std::string& id);

}  // namespace blobvalet::fcgi
