#include <fcgiapp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <csignal>

#include "core/version.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/event_loop.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/system_clock.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr int kListenFd = 0;

void report(std::string_view event, const ConfigFaults& faults) {
  for (const ConfigFault& fault : faults)
    Log::notice(event, fault.text());
}

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

ExitCode serve(const std::string& config_file, bool signatures_only) {
  if (!stdin_is_listening()) {
    Log::notice("start_failed", "fd 0 is not a listening socket; start blobvalet by spawn-fcgi or systemd");
    return ExitCode::usage;
  }
  EventLoop::block_signals();
  (void)std::signal(SIGPIPE, SIG_IGN);  // a web server that went away is an ordinary write error
  raise_descriptor_limit();
  SiteLoader loader(config_file);
  const auto site = loader.load();
  if (!site) {
    report("bad_configuration", site.error());
    return ExitCode::bad_configuration;
  }
  const auto reload = [&loader]() -> std::shared_ptr<const Site> {
    auto loaded = loader.load();
    if (loaded) {
      Log::notice("reloaded");
      return *loaded;
    }
    report("reload_failed", loaded.error());
    return nullptr;
  };
  if (FCGX_Init() != 0) {
    Log::notice("start_failed", "libfcgi cannot be initialised");
    return ExitCode::failure;
  }
  const CurlLibrary curl;
  const SystemClock clock;
  Log log((*site)->server().access_log);
  const auto duty = signatures_only ? EventLoop::Duty::signatures : EventLoop::Duty::all;
  EventLoop loop(kListenFd, duty, *site, clock, log, reload);
  Log::notice("started", kVersion);
  const bool ended_by_signal = loop.run();
  Log::notice(ended_by_signal ? "stopped" : "listening_socket_failed");
  return ended_by_signal ? ExitCode::success : ExitCode::failure;
}

}  // namespace blobvalet::fcgi
