#include <fcgiapp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>

#include "core/tcp_listener.hpp"
#include "core/version.hpp"
#include "fcgi/adapters/shared_ledger.hpp"
#include "fcgi/adapters/shared_meters.hpp"
#include "fcgi/code_pages.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/event_loop.hpp"
#include "fcgi/reloader.hpp"
#include "fcgi/system_clock.hpp"
#include "fcgi/tcp_socket.hpp"
#include "fcgi/unix_socket.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr int kListenFd = 0;

// How long a worker may stand still. Signing never waits, and nginx asks another worker for up to 5 s;
// callbacks wait in threads of their own, yet a reload may have to wait for the event store. As in the units.
constexpr std::chrono::seconds kLongestStandstill{4};
constexpr std::chrono::seconds kLongestStandstillWithStore{30};

/// spawn-fcgi leaves the soft limit at 1,024 descriptors; the hard limit is what the operator allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What keeps fd 0 from being served; empty if nothing does.
std::string fault_of_listener() {
  if (!stdin_is_listening())
    return "fd 0 is not a listening socket; start blobvalet by spawn-fcgi or systemd";
  return fault_of_unix_listener(kListenFd);
}

ExitCode cannot_start(const std::string& why, ExitCode code) {
  Log::notice("start_failed", why);
  return code;
}

void set_up_process() {
  EventLoop::block_signals();
  (void)std::signal(SIGPIPE, SIG_IGN);  // a web server that went away is an ordinary write error
  raise_descriptor_limit();
}

/// What a worker begins with: the site of its configuration, or, if that is faulty, of the last sound one.
struct FirstSite {
  std::shared_ptr<const Site> site;  ///< null: there is no sound configuration
  std::string fault;                 ///< what is wrong with the file as it is now

  static FirstSite load(SiteLoader& loader) {
    auto loaded = loader.load();
    if (loaded) return {*loaded, {}};
    log_faults("bad_configuration", loaded.error());
    return {loader.instead_of_faulty(), text_of(loaded.error())};
  }
};

/// What the workers of a machine know together, and this one as long as they cannot share it.
class Shared {
 public:
  explicit Shared(const Site& site)
      : Shared(site, std::make_unique<SharedLedger>(site.key_options().directory)) {}

  [[nodiscard]] ProcessState& state() { return state_; }
  void follow(const Site& site) {
    ledger_.move_to(site.key_options().directory);
    state_.use_limits_of(site);
  }

 private:
  Shared(const Site& site, std::unique_ptr<SharedLedger> ledger)
      : ledger_(*ledger), state_(site.key_options().directory, std::move(ledger), meters_of(site)) {
    state_.use_limits_of(site);
  }
  static std::unique_ptr<SharedMeters> meters_of(const Site& site) {
    auto meters = std::make_unique<SharedMeters>(site.server().metrics_file);
    if (const std::string alone = meters->fault(); !alone.empty()) Log::notice("metrics_not_shared", alone);
    return meters;
  }

  SharedLedger& ledger_;
  ProcessState state_;
};

}  // namespace

bool stdin_is_listening() {
  int listening = 0;
  socklen_t size = sizeof listening;
  return ::getsockopt(kListenFd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

ExitCode serve(const std::string& config_file, const MakeCallbackService& make_callbacks) {
  if (const std::string fault = fault_of_listener(); !fault.empty())
    return cannot_start(fault, ExitCode::usage);
  set_up_process();
  const auto tcp = tcp_address_of(kListenFd);
  SiteLoader loader(config_file, [&tcp](const Config& config) {
    return tcp ? faults_of_tcp_listener(config.server, tcp->ip) : ConfigFaults();
  });
  const auto [site, fault] = FirstSite::load(loader);
  if (site == nullptr) return ExitCode::bad_configuration;
  if (FCGX_Init() != 0) return cannot_start("libfcgi cannot be initialised", ExitCode::failure);
  const SystemClock clock;
  Log log(site->server());
  FileWatch files;
  Log::notice("started", std::string(kVersion) + ", configuration " + site->revision());
  if (tcp) Log::notice("listening", tcp->text());
  Shared shared(*site);
  ProcessState& state = shared.state();
  if (!fault.empty()) state.reload_failed(fault);
  Reloader reload(loader, site, files, state);
  const auto reload_and_follow = [&reload, &shared](ReloadCause cause) {
    auto next = reload(cause);
    if (next != nullptr) shared.follow(*next);
    return next;
  };
  const auto callbacks = make_callbacks ? make_callbacks(clock, state.meters()) : nullptr;
  const ServiceManager manager;
  Watchdog watchdog(manager, callbacks == nullptr ? kLongestStandstill : kLongestStandstillWithStore);
  EventLoop loop(kListenFd, site, clock, log, reload_and_follow,
                 {&files, &state, &manager, &watchdog, callbacks.get()});
  release_code_pages();
  const bool ended_by_signal = loop.run();
  Log::notice(ended_by_signal ? "stopped" : "listening_socket_failed");
  return ended_by_signal ? ExitCode::success : ExitCode::failure;
}

}  // namespace blobvalet::fcgi
