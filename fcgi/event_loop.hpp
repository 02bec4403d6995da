#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "fcgi/acceptor.hpp"
#include "fcgi/callback_service.hpp"
#include "fcgi/callback_threads.hpp"
#include "fcgi/file_watch.hpp"
#include "fcgi/mailbox.hpp"
#include "fcgi/record_gate.hpp"
#include "fcgi/service_manager.hpp"
#include "fcgi/site_app.hpp"
#include "fcgi/watchdog.hpp"

namespace blobvalet::fcgi {

/// Serves any number of connections with one thread. A connection waits in epoll until a whole request is
/// there; signatures, which never block, are answered at once; callbacks go to CallbackThreads, and so do
/// signatures whose rate limits are kept on another machine.
///
/// SIGTERM, SIGINT and SIGUSR1 (which multiwatch sends, and web servers by the FastCGI convention) end it
/// after the requests that have begun; SIGHUP calls `reload`, as does a change of one of the watched files.
/// One that fails is tried again every two seconds.
class EventLoop {
 public:
  /// Makes a new Site, or returns null to keep the old one.
  using Reload = std::function<std::shared_ptr<const Site>(ReloadCause cause)>;

  /// Blocks the signals above in this thread and those it makes, so that only the loop hears of them. To be
  /// called before any other thread is made.
  static void block_signals();

  /// What a worker has beside the requests; each may be null.
  struct Surroundings {
    FileWatch* files = nullptr;  ///< when they change, `reload` is called
    WorkerState* state = nullptr;
    const ServiceManager* manager = nullptr;  ///< is told when the loop serves, reloads and stops
    Watchdog* watchdog = nullptr;             ///< is told that the loop goes on
    CallbackService* callbacks = nullptr;     ///< null: what waits for Azure or the application is refused
  };

  /// Throws std::runtime_error if the kernel gives no epoll, eventfd or signalfd.
  EventLoop(int listen_fd, std::shared_ptr<const Site> site, const Clock& clock, Log& log, Reload reload,
            Surroundings surroundings = {nullptr, nullptr, nullptr, nullptr, nullptr});

  /// Runs until a signal ends it. False if the listening socket stopped working.
  [[nodiscard]] bool run();

 private:
  using Time = std::chrono::steady_clock::time_point;

  void watch(int fd, std::uint32_t events, void* source);
  void handle_signals();
  void reload();
  void take_in(const std::shared_ptr<const Site>& site);
  void look_at_files();
  void reload_if_due();
  void retry_if_faulty();
  void begin_stopping();
  void show_life();
  [[nodiscard]] std::string status() const;
  void collect_mail();
  void adopt(std::unique_ptr<Connection> connection);
  void look_at(Connection& connection);
  void collect(Connection& connection);
  void wait_for_rest(Connection& connection);
  void act_on(Connection& connection, GateVerdict verdict);
  void serve(Connection& connection, bool body_too_large);
  [[nodiscard]] bool hand_to_thread(CallbackThreads& threads, Connection& connection);
  void answer_late_ones(CallbackThreads& threads);
  void drop_strangers();
  void settle(Connection& connection, bool keep);
  void drain(Connection& connection);
  void set_deadline(Connection& connection, std::chrono::milliseconds patience);
  void drop(Connection& connection);
  void drop_late_ones();
  [[nodiscard]] bool is_one_of_ours(const void* source) const;
  [[nodiscard]] bool is_done() const;
  [[nodiscard]] int wait_milliseconds() const;

  [[nodiscard]] CallbackThreads* threads_for(const Request& request);
  void begin_metering(const Site& site);
  [[nodiscard]] Meters* meters() const;

  const Clock& clock_;
  Log& log_;
  Reload reload_;
  const Surroundings surroundings_;
  FileDescriptor epoll_;
  FileDescriptor signals_;
  Mailbox mailbox_;
  std::optional<SiteApp> app_;  ///< never empty; a reload puts another in its place
  GateLimits limits_;
  std::vector<unsigned char> peeked_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
  std::unordered_set<Connection*> with_deadline_;
  std::optional<Time> reload_at_;  ///< files have changed
  std::optional<Time> retry_at_;   ///< files were faulty, or could not be read
  std::uint64_t requests_ = 0;     ///< so far
  bool stopping_ = false;
  Meter* in_flight_ = nullptr;
  Meter* open_connections_ = nullptr;
  // Their threads use what stands above, so they are made last and end first.
  CallbackThreads callbacks_;
  CallbackThreads counted_;  ///< signatures that wait for the store of rate limits, and for no callback
  Admission admission_;
  Acceptor acceptor_;
};

}  // namespace blobvalet::fcgi
