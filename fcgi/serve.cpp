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

}  // namespace

bool stdin_is_listening() {
  int listening = 0;
  socklen_t size = sizeof listening;
  return ::getsockopt(kListenFd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
}

ExitCode serve(const std::string& config_file, const MakeCallbackService& make_callbacks) {
  if (!stdin_is_listening()) {
    Log::notice("start_failed", "fd 0 is not a listening socket; start blobvalet by spawn-fcgi or systemd");
    return ExitCode::usage;
  }
  if (const std::string open = fault_of_unix_listener(kListenFd); !open.empty()) {
    Log::notice("start_failed", open);
    return ExitCode::usage;
  }
  EventLoop::block_signals();
  (void)std::signal(SIGPIPE, SIG_IGN);  // a web server that went away is an ordinary write error
  raise_descriptor_limit();
  const auto tcp = tcp_address_of(kListenFd);
  SiteLoader loader(config_file, [&tcp](const Config& config) {
    return tcp ? faults_of_tcp_listener(config.server, tcp->ip) : ConfigFaults();
  });
  auto site = loader.load();
  std::string fault;
  if (!site) {
    fault = log_faults("bad_configuration", site.error());
    site = loader.instead_of_faulty();
    if (*site == nullptr) return ExitCode::bad_configuration;
  }
  if (FCGX_Init() != 0) {
    Log::notice("start_failed", "libfcgi cannot be initialised");
    return ExitCode::failure;
  }
  const SystemClock clock;
  Log log((*site)->server());
  FileWatch files;
  Log::notice("started", std::string(kVersion) + ", configuration " + (*site)->revision());
  if (tcp) Log::notice("listening", tcp->text());
  auto ledger = std::make_unique<SharedLedger>((*site)->key_options().directory);
  SharedLedger& shared = *ledger;
  auto meters = std::make_unique<SharedMeters>((*site)->server().metrics_file);
  if (const std::string alone = meters->fault(); !alone.empty()) Log::notice("metrics_not_shared", alone);
  ProcessState state((*site)->key_options().directory, std::move(ledger), std::move(meters));
  if (!fault.empty()) state.reload_failed(fault);
  state.use_limits_of(**site);
  Reloader reload(loader, *site, files, state);
  const auto reload_and_follow = [&reload, &shared, &state] {
    auto next = reload();
    if (next == nullptr) return next;
    shared.move_to(next->key_options().directory);
    state.use_limits_of(*next);
    return next;
  };
  const auto callbacks = make_callbacks ? make_callbacks(clock, state.meters()) : nullptr;
  const ServiceManager manager;
  Watchdog watchdog(manager, callbacks == nullptr ? kLongestStandstill : kLongestStandstillWithStore);
  EventLoop loop(kListenFd, *site, clock, log, reload_and_follow,
                 {&files, &state, &manager, &watchdog, callbacks.get()});
  release_code_pages();
  const bool ended_by_signal = loop.run();
  Log::notice(ended_by_signal ? "stopped" : "listening_socket_failed");
  return ended_by_signal ? ExitCode::success : ExitCode::failure;
}

}  // namespace blobvalet::fcgi
