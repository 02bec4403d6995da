#include "fcgi/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <span>
#include <stdexcept>

#include "core/ascii.hpp"
#include "core/metrics.hpp"

namespace blobvalet::fcgi {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long the rest of a request, or of a body that nobody reads, may take. nginx sends a request, which it
// has buffered, in one go.
constexpr milliseconds kPatience{2000};
// How long a new connection may take to send its request while we are stopping: nginx connects and sends at
// once, unless it has to wait for a core in between.
constexpr milliseconds kPatienceWhenStopping{500};
// From the first sign that a file has changed until all are read again.
constexpr milliseconds kFilesSettle{100};
// A store of rate limits takes less than a millisecond, so that these are plenty.
constexpr unsigned kCountingThreads = 8;
// Records have headers and padding beside what the limits count.
constexpr std::size_t kFramingBytes = 8192;

sigset_t handled_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP})
    ::sigaddset(&set, signal);
  return set;
}

FileDescriptor open_signals() {
  const sigset_t set = handled_signals();
  return FileDescriptor(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

GateLimits limits_for(const Site& site) {
  GateLimits limits;
  limits.body_bytes = site.success().limits.max_body_bytes;
  return limits;
}

std::size_t largest_request(const GateLimits& limits) {
  return limits.params_bytes + limits.body_bytes + kFramingBytes;
}

}  // namespace

void EventLoop::block_signals() {
  const sigset_t set = handled_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

EventLoop::EventLoop(int listen_fd, std::shared_ptr<const Site> site, const Clock& clock, Log& log,
                     Reload reload, Surroundings surroundings)
    : clock_(clock),
      log_(log),
      reload_(std::move(reload)),
      surroundings_(surroundings),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      signals_(open_signals()),
      app_(std::in_place, site, clock, log, surroundings.state),
      limits_(limits_for(*site)),
      peeked_(largest_request(limits_)),
      callbacks_(site->server().threads, clock, log, mailbox_, surroundings.callbacks, surroundings.state),
      counted_(kCountingThreads, clock, log, mailbox_, nullptr, surroundings.state),
      admission_(listen_fd, site->server().allow_from),
      acceptor_(listen_fd, mailbox_, admission_) {
  watch(mailbox_.fd(), EPOLLIN, &mailbox_);
  watch(signals_.get(), EPOLLIN, &signals_);
  if (surroundings_.files != nullptr) watch(surroundings_.files->fd(), EPOLLIN, surroundings_.files);
  if (surroundings_.callbacks != nullptr) surroundings_.callbacks->deliver_for(site);
  begin_metering(*site);
  if (surroundings_.files != nullptr) look_at_files();
  retry_if_faulty();
}

Meters* EventLoop::meters() const {
  return surroundings_.state == nullptr ? nullptr : surroundings_.state->meters();
}

void EventLoop::begin_metering(const Site& site) {
  Meters* meters = this->meters();
  if (meters == nullptr) return;
  const auto duty = [&](std::string_view name) {
    return sample_name(name, {{"duty", surroundings_.callbacks != nullptr ? "all" : "signatures"}});
  };
  set(meters->meter(MeterKind::gauge, duty(metric::kWorkers)), 1);
  count(meters->meter(MeterKind::counter, duty(metric::kWorkerStarts)));
  in_flight_ = meters->meter(MeterKind::gauge, metric::kInFlight);
  open_connections_ = meters->meter(MeterKind::gauge, metric::kConnections);
  // There from the beginning, so that the first of each is seen to come.
  (void)Histogram(*meters, metric::kRequest, "endpoint=\"signature\"");
  if (surroundings_.callbacks == nullptr) return;
  (void)Histogram(*meters, metric::kRequest, "endpoint=\"success\"");
  if (site.policy().lists()) (void)Histogram(*meters, metric::kRequest, "endpoint=\"session\"");
  (void)Histogram(*meters, metric::kAzure, {});
  if (site.success().hook) (void)Histogram(*meters, metric::kHook, {});
  set(meters->meter(MeterKind::gauge, metric::kThreads), site.server().threads);
}

bool EventLoop::run() {
  if (surroundings_.manager != nullptr) surroundings_.manager->ready(status());
  std::array<epoll_event, 64> events{};
  while (!is_done()) {
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_milliseconds());
    if (count < 0 && errno != EINTR) throw std::runtime_error("epoll_wait failed");
    if (surroundings_.watchdog != nullptr) surroundings_.watchdog->work();
    bool signalled = false;
    bool has_mail = false;
    bool has_news_of_files = false;
    for (const epoll_event& event : std::span(events).first(static_cast<std::size_t>(std::max(count, 0)))) {
      signalled |= event.data.ptr == &signals_;
      has_mail |= event.data.ptr == &mailbox_;
      has_news_of_files |= event.data.ptr == surroundings_.files;
      if (is_one_of_ours(event.data.ptr)) continue;
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      connection.peer_closed |= (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
      // What happens while a callback thread has it is seen when it comes back.
      if (!connection.is_with_thread) look_at(connection);
    }
    // Only after the events, which hold pointers to connections that these may end.
    if (signalled) handle_signals();
    if (has_mail) collect_mail();
    if (has_news_of_files) look_at_files();
    reload_if_due();
    answer_late_ones(callbacks_);
    answer_late_ones(counted_);
    drop_late_ones();
    show_life();
    set(open_connections_, connections_.size() + callbacks_.pending() + counted_.pending());
  }
  // Whoever waits for threads from here on, as long as Azure and the application take, does not stand still.
  if (surroundings_.watchdog != nullptr) surroundings_.watchdog->stop();
  return !acceptor_.has_failed();
}

bool EventLoop::is_one_of_ours(const void* source) const {
  return source == &signals_ || source == &mailbox_ || source == surroundings_.files;
}

bool EventLoop::is_done() const {
  const bool ending = stopping_ || acceptor_.has_failed();
  return ending && connections_.empty() && callbacks_.pending() == 0 && counted_.pending() == 0;
}

/// Until the next deadline; for ever (-1) if there is none.
int EventLoop::wait_milliseconds() const {
  Time next = surroundings_.watchdog == nullptr ? Time::max() : surroundings_.watchdog->next();
  for (const auto& due : {callbacks_.next_late(), counted_.next_late(), reload_at_, retry_at_})
    next = std::min(next, due.value_or(next));
  for (const Connection* connection : with_deadline_)
    next = std::min(next, connection->deadline);
  if (next == Time::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - steady_clock::now());
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

void EventLoop::watch(int fd, std::uint32_t events, void* source) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = source;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) throw std::runtime_error("epoll_ctl failed");
}

void EventLoop::handle_signals() {
  signalfd_siginfo signal{};
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    if (signal.ssi_signo == SIGHUP) {
      reload();
    } else if (!stopping_) {
      begin_stopping();
    }
  }
}

/// systemd takes a reload for finished when it hears so, and the file's change for one too.
void EventLoop::reload() {
  if (surroundings_.manager != nullptr) surroundings_.manager->reloading();
  take_in(reload_(ReloadCause::news));
  if (surroundings_.manager != nullptr) surroundings_.manager->ready(status());
}

void EventLoop::take_in(const std::shared_ptr<const Site>& site) {
  reload_at_.reset();
  if (surroundings_.files != nullptr) look_at_files();
  retry_if_faulty();
  if (site == nullptr) return;
  app_.emplace(site, clock_, log_, surroundings_.state);
  if (surroundings_.callbacks != nullptr) surroundings_.callbacks->deliver_for(site);
  log_.follow(site->server());
  limits_ = limits_for(*site);
  peeked_.resize(largest_request(limits_));
  admission_.allow(site->server().allow_from);
  drop_strangers();
}

/// Of those who may not connect any more; what a thread has is answered first, and dropped when it comes
/// back.
void EventLoop::drop_strangers() {
  if (!admission_.is_tcp()) return;
  std::vector<Connection*> strangers;
  for (const auto& entry : connections_) {
    if (!admission_.admits(entry.first->fd())) strangers.push_back(entry.first);
  }
  for (Connection* connection : strangers)
    drop(*connection);
}

/// Several files often change together: they are read when all may be there. To be called also when they have
/// just been read, since what came before they were watched has woken nobody.
void EventLoop::look_at_files() {
  if (!surroundings_.files->has_changed() || stopping_) return;
  if (!reload_at_) reload_at_ = steady_clock::now() + kFilesSettle;
}

void EventLoop::reload_if_due() {
  const auto is_due = [](const std::optional<Time>& time) { return time && *time <= steady_clock::now(); };
  if (is_due(reload_at_)) return reload();
  if (!is_due(retry_at_)) return;
  take_in(reload_(ReloadCause::retry));
  if (!retry_at_ && surroundings_.manager != nullptr) surroundings_.manager->ready(status());
}

void EventLoop::retry_if_faulty() {
  retry_at_.reset();
  if (surroundings_.state != nullptr && !surroundings_.state->reload_fault().empty())
    retry_at_ = steady_clock::now() + FileWatch::kRetryAfter;
}

/// A loop that stands still does not get here. One whose threads all do is of no use either.
void EventLoop::show_life() {
  if (surroundings_.watchdog == nullptr || steady_clock::now() < surroundings_.watchdog->next()) return;
  if (callbacks_.stand_still(steady_clock::now())) return surroundings_.watchdog->useless();
  const bool only_waits_for_the_kernel = callbacks_.pending() + counted_.pending() == 0;
  only_waits_for_the_kernel ? surroundings_.watchdog->rest(status())
                            : surroundings_.watchdog->alive(status());
}

/// For `systemctl status`.
std::string EventLoop::status() const {
  return "configuration " + app_->site()->revision() + ", " + std::to_string(requests_) + " requests, " +
         std::to_string(connections_.size()) + " connections, " + std::to_string(callbacks_.pending()) +
         " callbacks under way";
}

void EventLoop::begin_stopping() {
  stopping_ = true;
  if (surroundings_.manager != nullptr) surroundings_.manager->stopping();
  reload_at_.reset();
  retry_at_.reset();
  if (surroundings_.callbacks != nullptr) surroundings_.callbacks->stop();
  FCGX_ShutdownPending();
  acceptor_.stop();
  collect_mail();
  std::vector<Connection*> all;
  for (const auto& entry : connections_)
    all.push_back(entry.first);
  // A request that has arrived is still answered, and one that has begun gets a moment, as does a new
  // connection, which is about to send its first. One that has served is idle otherwise.
  for (Connection* connection : all)
    look_at(*connection);
  for (Connection* connection : all) {
    if (!connections_.contains(connection)) continue;
    if (connection->has_served && !with_deadline_.contains(connection)) {
      drop(*connection);
    } else {
      set_deadline(*connection, kPatienceWhenStopping);
    }
  }
}

void EventLoop::collect_mail() {
  for (auto& connection : mailbox_.take()) {
    if (connection->is_open()) adopt(std::move(connection));
  }
}

/// Takes in a new connection, or one that comes back from a thread.
void EventLoop::adopt(std::unique_ptr<Connection> owned) {
  Connection& connection = *owned;
  connections_.emplace(&connection, std::move(owned));
  if (!connection.is_with_thread) {
    // Edge-triggered: an event tells of new bytes only, so that a half-sent request does not keep the loop
    // busy.
    return watch(connection.fd(), EPOLLIN | EPOLLRDHUP | EPOLLET, &connection);
  }
  connection.is_with_thread = false;
  settle(connection, admission_.admits(connection.fd()));
  // The next request may have come meanwhile, and the event that told of it is gone.
  if (connections_.contains(&connection)) look_at(connection);
}

/// Sees what has arrived and acts on it. A request that is all there stays in the socket, for libfcgi to
/// read.
void EventLoop::look_at(Connection& connection) {
  if (connection.is_draining) return drain(connection);
  if (!connection.collected.empty()) return collect(connection);
  const ssize_t n = ::recv(connection.fd(), peeked_.data(), peeked_.size(), MSG_PEEK | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR) && !connection.peer_closed) return;
  if (n <= 0) return drop(connection);
  const auto verdict = inspect_records(std::span(peeked_).first(static_cast<std::size_t>(n)), limits_);
  if (verdict == GateVerdict::incomplete) return collect(connection);
  act_on(connection, verdict);
}

/// Takes in what has arrived of a request that is not all there. Left in the socket, a large one would fill
/// its buffer, and the rest never come.
void EventLoop::collect(Connection& connection) {
  std::vector<unsigned char>& collected = connection.collected;
  while (collected.size() < peeked_.size()) {
    const ssize_t n = ::recv(connection.fd(), peeked_.data(), peeked_.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN && !connection.peer_closed) return wait_for_rest(connection);
    if (n <= 0) return drop(connection);
    collected.insert(collected.end(), peeked_.begin(), peeked_.begin() + n);
    const auto verdict = inspect_records(collected, limits_);
    if (verdict != GateVerdict::incomplete) return act_on(connection, verdict);
  }
  drop(connection);
}

void EventLoop::wait_for_rest(Connection& connection) {
  if (!with_deadline_.contains(&connection)) set_deadline(connection, kPatience);
}

void EventLoop::act_on(Connection& connection, GateVerdict verdict) {
  if (verdict == GateVerdict::malformed) return drop(connection);
  serve(connection, verdict == GateVerdict::body_too_large);
}

void EventLoop::serve(Connection& connection, bool body_too_large) {
  with_deadline_.erase(&connection);
  const Time since = steady_clock::now();
  Request* request = connection.read_params();
  if (request == nullptr) return drop(connection);
  ++requests_;
  request->body_too_large = body_too_large;
  if (body_too_large) {
    // Closing with bytes unread would reset the connection, and nginx would lose our answer.
    if (!app_->answer(connection, *request, since) && !connection.is_open()) return drop(connection);
    connection.stop_writing();
    connection.is_draining = true;
    set_deadline(connection, kPatience);
    return drain(connection);
  }
  connection.read_body();
  CallbackThreads* threads = threads_for(*request);
  if (threads == nullptr) {
    // Whoever asks for the metrics is not among those that he asks about.
    const Presence presence(equals(request->endpoint, "signature") ? in_flight_ : nullptr);
    return settle(connection, app_->answer(connection, *request, since));
  }
  if (!hand_to_thread(*threads, connection))
    settle(connection, app_->answer_busy(connection, *request, since));
}

/// Null: the loop itself answers.
CallbackThreads* EventLoop::threads_for(const Request& request) {
  const Site& site = *app_->site();
  if (surroundings_.callbacks != nullptr && App::may_wait(site, request)) return &callbacks_;
  return App::may_wait_for_limits(site, request) ? &counted_ : nullptr;
}

/// False, with nothing changed, if all threads are busy and their queue is full.
bool EventLoop::hand_to_thread(CallbackThreads& threads, Connection& connection) {
  const auto entry = connections_.find(&connection);
  CallbackJob job{std::move(entry->second), app_->site(), {}};
  connection.is_with_thread = true;
  if (threads.submit(job)) {
    connections_.erase(entry);
    return true;
  }
  connection.is_with_thread = false;
  entry->second = std::move(job.connection);
  return false;
}

/// Those for which no thread has been free in time come back and are told to try again.
void EventLoop::answer_late_ones(CallbackThreads& threads) {
  for (CallbackJob& job : threads.take_late(steady_clock::now())) {
    Connection& connection = *job.connection;
    if (!app_->answer_busy(connection, connection.request(), job.taken_at)) connection.close();
    if (connection.is_open()) adopt(std::move(job.connection));
  }
}

/// After an answer: waits for the next request, or closes.
void EventLoop::settle(Connection& connection, bool keep) {
  connection.has_served = true;
  if (!keep || stopping_ || connection.peer_closed) drop(connection);
}

/// Throws away what arrives until the web server closes. One that never ends is cut off, rather than hold the
/// loop.
void EventLoop::drain(Connection& connection) {
  constexpr int kReadsAtOnce = 16;
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const ssize_t n = ::recv(connection.fd(), peeked_.data(), peeked_.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) break;
  }
  drop(connection);
}

void EventLoop::set_deadline(Connection& connection, milliseconds patience) {
  connection.deadline = steady_clock::now() + patience;
  with_deadline_.insert(&connection);
}

void EventLoop::drop(Connection& connection) {
  with_deadline_.erase(&connection);
  connections_.erase(&connection);
}

void EventLoop::drop_late_ones() {
  if (with_deadline_.empty()) return;
  const Time now = steady_clock::now();
  std::vector<Connection*> late;
  for (Connection* connection : with_deadline_) {
    if (connection->deadline <= now) late.push_back(connection);
  }
  for (Connection* connection : late)
    drop(*connection);
}

}  // namespace blobvalet::fcgi
