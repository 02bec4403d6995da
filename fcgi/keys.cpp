// `blobvalet keys`: what signs, and keeping it fresh.
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <array>
#include <csignal>
#include <iostream>
#include <stdexcept>

#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/file_watch.hpp"
#include "fcgi/identity_environment.hpp"
#include "fcgi/key_renewer.hpp"
#include "fcgi/log.hpp"
#include "fcgi/renewal_loader.hpp"
#include "fcgi/service_manager.hpp"
#include "fcgi/system_clock.hpp"
#include "fcgi/watchdog.hpp"

namespace blobvalet::fcgi {
namespace {

/// Signals, changed files and a clock that is set, as descriptors to wait for.
class Wakers {
 public:
  enum class Event : std::uint8_t { nothing, stop, reload, files, clock_set };

  Wakers() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP})
      ::sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    signals_ = FileDescriptor(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
    clock_ = FileDescriptor(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    // Without the first, SIGTERM, which is blocked now, would end nothing.
    if (!signals_.valid() || !clock_.valid())
      throw std::runtime_error("the kernel gives no signalfd or timerfd");
    arm_clock();
  }
  [[nodiscard]] FileWatch& files() { return files_; }

  /// What happens first within `milliseconds` (-1: ever).
  [[nodiscard]] Event wait(int milliseconds) {
    std::array<pollfd, 3> waiting{
        {{signals_.get(), POLLIN, 0}, {clock_.get(), POLLIN, 0}, {files_.fd(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), milliseconds) <= 0) return Event::nothing;
    if (waiting[0].revents != 0) return read_signal();
    if (waiting[1].revents != 0) {
      arm_clock();
      return Event::clock_set;
    }
    return waiting[2].revents != 0 ? Event::files : Event::nothing;
  }

 private:
  [[nodiscard]] Event read_signal() {
    signalfd_siginfo signal{};
    if (::read(signals_.get(), &signal, sizeof signal) != sizeof signal) return Event::nothing;
    return signal.ssi_signo == SIGHUP ? Event::reload : Event::stop;
  }
  /// A timer of the distant future, which ends early when the clock is set.
  void arm_clock() {
    std::uint64_t ignored = 0;
    (void)!::read(clock_.get(), &ignored, sizeof ignored);
    itimerspec never{};
    never.it_value.tv_sec = std::numeric_limits<std::int32_t>::max();
    if (::timerfd_settime(clock_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0)
      throw std::runtime_error("the kernel does not tell when the clock is set");
  }

  FileDescriptor signals_;
  FileDescriptor clock_;
  FileWatch files_;
};

bool is_same_file(int fd, const std::filesystem::path& path) {
  struct stat one {};
  struct stat other {};
  return ::fstat(fd, &one) == 0 && ::stat(path.c_str(), &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

/// The one that renews keys for `directory` on this machine holds this lock as long as it lives; invalid:
/// another one has it. `kept` is the lock of the process before this one, if anybody has kept it: so the lock
/// is held on while one process follows the other, and workers go on believing what is written there.
FileDescriptor lock(const KeyDirectory& directory, FileDescriptor kept = {}) {
  if (kept.valid() && is_same_file(kept.get(), directory.lock_file())) return kept;
  FileDescriptor file(::open(directory.lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.valid()) throw std::runtime_error(directory.lock_file().string() + ": " + std::strerror(errno));
  return ::flock(file.get(), LOCK_EX | LOCK_NB) == 0 ? std::move(file) : FileDescriptor();
}

// A worker that looks whether somebody has the lock takes it for a moment.
constexpr int kQuickTries = 20;
constexpr int kQuickPauseMilliseconds = 10;
constexpr int kPauseMilliseconds = 1000;

/// Waits until nobody else renews keys here; false if it is to stop before.
bool wait_for_lock(const KeyDirectory& directory, Wakers& wakers, ServiceManager& manager,
                   FileDescriptor& held) {
  held = lock(directory, manager.take_kept());
  for (int tries = 1; !held.valid(); ++tries) {
    if (tries == kQuickTries) {
      Log::notice("standby", "another process renews the keys in " + directory.path().string());
      manager.ready("waits: another process renews the keys");
    }
    const int pause = tries < kQuickTries ? kQuickPauseMilliseconds : kPauseMilliseconds;
    if (wakers.wait(pause) == Wakers::Event::stop) return false;
    manager.alive("waits: another process renews the keys");
    held = lock(directory);
  }
  manager.keep(held.get());
  return true;
}

// A reload waits for what is under way, which takes a second or two to end. As in the unit.
constexpr std::chrono::seconds kLongestStandstill{60};

int milliseconds_until(std::chrono::steady_clock::time_point time) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(time - std::chrono::steady_clock::now());
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

/// Lets the workers know which configuration is sound, should the file be faulty one day.
void publish(const RenewalSetup& setup) {
  try {
    const KeyDirectory directory(setup.config.keys.directory);
    directory.create();
    directory.write_configuration(setup.text);
  } catch (const std::exception& error) {
    Log::notice("configuration_not_written", error.what());
  }
}

ExitCode renew_once(const RenewalSetup& setup, const IdentityEnvironment& environment, const Clock& clock) {
  const KeyDirectory directory(setup.config.keys.directory);
  directory.create();
  const FileDescriptor held = lock(directory);
  if (!held.valid()) {
    std::cerr << "keys.directory: another process renews the keys there\n";
    return ExitCode::failure;
  }
  KeyRenewer renewer(setup.config, environment, setup.client_secrets, clock);
  const auto failures = renewer.run_once();
  for (const KeyStatus::Failure& failure : failures)
    std::cerr << failure.account << ": " << failure.reason << "\n";
  return failures.empty() ? ExitCode::success : ExitCode::failure;
}

/// Renews until a signal ends it.
class RenewalDaemon {
 public:
  RenewalDaemon(RenewalLoader& loader, RenewalSetup setup, Wakers& wakers, const Clock& clock,
                const ServiceManager& manager)
      : loader_(loader),
        wakers_(wakers),
        clock_(clock),
        manager_(manager),
        environment_(take_identity_environment()) {
    wakers_.files().watch(loader_.seen());
    begin(std::move(setup));
  }
  void run() {
    manager_.ready(status());
    Watchdog watchdog(manager_, kLongestStandstill);
    while (true) {
      if (watchdog.next() <= std::chrono::steady_clock::now()) {
        renewer_->stands_still() ? watchdog.useless() : watchdog.alive(status());
      }
      // Not only when told so: what came between its being read and its being watched has woken nobody.
      while (wakers_.files().has_changed())
        reload();
      if (retry_at_ && *retry_at_ <= std::chrono::steady_clock::now())
        take_in(loader_.load(), ReloadCause::retry);
      const auto next = std::min(watchdog.next(), retry_at_.value_or(watchdog.next()));
      switch (wakers_.wait(milliseconds_until(next))) {
        case Wakers::Event::stop: manager_.stopping(); return;
        case Wakers::Event::reload: reload(); break;
        case Wakers::Event::clock_set:
          Log::notice("clock_set");
          renewer_->wake();
          break;
        case Wakers::Event::files:
        case Wakers::Event::nothing: break;
      }
    }
  }

 private:
  void begin(RenewalSetup setup) {
    publish(setup);
    renewer_.reset();  // of the old configuration, whose threads end first
    renewer_ = std::make_unique<KeyRenewer>(std::move(setup.config), environment_,
                                            std::move(setup.client_secrets), clock_);
    renewer_->start();
  }
  void reload() {
    manager_.reloading();
    take_in(loader_.load(), ReloadCause::news);
    manager_.ready(status());
  }
  void take_in(tl::expected<RenewalSetup, ConfigFaults> setup, ReloadCause cause) {
    wakers_.files().watch(loader_.seen());
    retry_at_.reset();
    if (setup) {
      Log::notice("reloaded");
      faults_.clear();
      return begin(std::move(*setup));
    }
    retry_at_ = std::chrono::steady_clock::now() + FileWatch::kRetryAfter;
    if (cause == ReloadCause::news || setup.error() != faults_) log_faults("reload_failed", setup.error());
    faults_ = std::move(setup.error());
  }
  /// For `systemctl status`.
  [[nodiscard]] std::string status() const {
    const std::size_t keys = renewer_->accounts();
    const std::size_t failing = renewer_->failing();
    return "renews keys of " + std::to_string(keys) + " accounts" +
           (failing == 0 ? std::string() : ", fails for " + std::to_string(failing));
  }

  RenewalLoader& loader_;
  Wakers& wakers_;
  const Clock& clock_;
  const ServiceManager& manager_;
  const IdentityEnvironment environment_;
  std::unique_ptr<KeyRenewer> renewer_;
  ConfigFaults faults_;  ///< of the last reload
  std::optional<std::chrono::steady_clock::time_point> retry_at_;
};

}  // namespace

ExitCode renew_keys(const std::string& config_file, bool once) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  Wakers wakers;
  RenewalLoader loader(config_file);
  auto setup = loader.load();
  if (!setup) {
    log_faults("bad_configuration", setup.error());
    setup = loader.load_last_sound();
    if (once || !setup) return ExitCode::bad_configuration;
  }
  const CurlLibrary curl;
  const SystemClock clock;
  if (once) return renew_once(*setup, take_identity_environment(), clock);

  const KeyDirectory directory(setup->config.keys.directory);
  directory.create();
  FileDescriptor held;
  ServiceManager manager;
  if (!wait_for_lock(directory, wakers, manager, held)) return ExitCode::success;
  RenewalDaemon daemon(loader, std::move(*setup), wakers, clock, manager);
  Log::notice("started", "renews user delegation keys");
  daemon.run();
  Log::notice("stopped");
  return ExitCode::success;
}

}  // namespace blobvalet::fcgi
