#include <sys/un.h>

#include <csignal>
#include <future>

#include "fcgi/event_loop.hpp"
#include "fcgi/site_callbacks.hpp"
#include "tests/unit/blocking_clock.hpp"
#include "tests/unit/datagram_receiver.hpp"
#include "tests/unit/fcgi_peer.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [{ "name": "acme", "endpoint": "https://acme.blob.core.windows.net",
                 "credential": { "type": "shared_key", "key_file": "acme.key" } }],
  "rules": [{ "name": "all", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"], "anonymous": true }],
  "success": { "verify": { "enabled": false } },
  "server": { "threads": 2, "access_log": false }
})";
constexpr std::size_t kRoom = 2 + 256;  // callbacks with threads, and in their queue

const std::string kCallback = whole_request({{"BLOBVALET_ENDPOINT", "success"},
                                             {"REQUEST_METHOD", "POST"},
                                             {"CONTENT_TYPE", "application/x-www-form-urlencoded"}},
                                            "blob=a&uuid=0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e&name=a&"
                                            "container=https://acme.blob.core.windows.net/uploads");
const std::string kSignature =
    whole_request({{"BLOBVALET_ENDPOINT", "signature"},
                   {"REQUEST_METHOD", "GET"},
                   {"QUERY_STRING", "_method=PUT&bloburi=https://acme.blob.core.windows.net/uploads/a"}});

/// Blocks the loop's signals in this thread and all that it makes, and gives back the old mask.
class BlockedSignals {
 public:
  BlockedSignals() {
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before_);
    EventLoop::block_signals();
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  BlockedSignals(BlockedSignals&&) = delete;
  BlockedSignals& operator=(BlockedSignals&&) = delete;

 private:
  sigset_t before_{};
};

/// Of a worker whose files are faulty as long as `is_faulty`.
struct FaultyFiles final : WorkerState {
  [[nodiscard]] SasLedger* ledger() override { return nullptr; }
  [[nodiscard]] std::optional<KeyStatus> key_status() const override { return std::nullopt; }
  [[nodiscard]] std::string reload_fault() const override { return is_faulty ? "cannot be read" : ""; }
  std::atomic<bool> is_faulty = true;
};

/// A worker within this process: an event loop in a thread, on a listening socket of its own.
class Worker {
 public:
  /// `on_reload` is called by each reload, in the worker's thread.
  explicit Worker(FileWatch* files = nullptr, std::function<void()> on_reload = {},
                  const ServiceManager* manager = nullptr, WorkerState* state = nullptr)
      : files_(files), on_reload_(std::move(on_reload)), manager_(manager), state_(state) {
    address_.sun_family = AF_UNIX;
    (dir_.path() / "socket")
        .string()
        .copy(static_cast<char*>(address_.sun_path), sizeof address_.sun_path - 1);
    listener_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE_EQUAL(::bind(listener_.get(), address(), sizeof address_), 0);
    BOOST_REQUIRE_EQUAL(::listen(listener_.get(), 1024), 0);
    ended_ = std::async(std::launch::async, [this] { return run(); });
  }
  ~Worker() {
    clock.release();
    if (ended_.valid()) stop(SIGTERM);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  Worker(Worker&&) = delete;
  Worker& operator=(Worker&&) = delete;

  [[nodiscard]] std::unique_ptr<Peer> connect() {
    FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE_EQUAL(::connect(socket.get(), address(), sizeof address_), 0);
    return std::make_unique<Peer>(std::move(socket));
  }
  [[nodiscard]] Answer ask(const std::string& request) {
    const auto peer = connect();
    peer->send(request);
    return peer->receive_answer();
  }
  static void signal(int number) { ::kill(::getpid(), number); }
  /// What run() returned, or nothing if it does not return.
  std::optional<bool> stop(int number) {
    signal(number);
    return ended_.wait_for(std::chrono::seconds(10)) == std::future_status::ready
               ? std::optional(ended_.get())
               : std::nullopt;
  }
  [[nodiscard]] bool has_ended() {
    return ended_.wait_for(std::chrono::milliseconds(50)) == std::future_status::ready;
  }
  /// The listening socket stops working, as if somebody had shut it down.
  std::optional<bool> break_listener() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    return ended_.wait_for(std::chrono::seconds(10)) == std::future_status::ready
               ? std::optional(ended_.get())
               : std::nullopt;
  }

  BlockingClock clock;
  std::atomic<int> reloads = 0;
  std::shared_ptr<const Site> next_site;  ///< what a reload gives

 private:
  [[nodiscard]] const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&address_); }
  bool run() {
    clock.spare_this_thread();
    Log log({.access_log = false, .audit_log = false});
    SiteCallbacks callbacks(clock);
    EventLoop loop(listener_.get(), site_, clock, log,
                   [this](ReloadCause) {
                     if (on_reload_) on_reload_();
                     ++reloads;
                     return next_site;
                   },
                   {files_, state_, manager_, nullptr, &callbacks});
    return loop.run();
  }

  FileWatch* const files_;
  const std::function<void()> on_reload_;
  const ServiceManager* const manager_;
  WorkerState* const state_;
  const std::shared_ptr<const Site> site_ = site_from(kSite);
  BlockedSignals blocked_;
  TempDir dir_;
  sockaddr_un address_{};
  FileDescriptor listener_;
  std::future<bool> ended_;
};

/// Two files, and a worker that watches them.
struct WatchedFiles {
  WatchedFiles() {
    dir.write("one", "1");
    dir.write("two", "2");
    files.watch(look());
  }
  [[nodiscard]] SeenFiles look() const {
    SeenFiles seen;
    for (const char* name : {"one", "two"})
      seen.emplace(dir.path() / name, FileState::of(dir.path() / name));
    return seen;
  }
  TempDir dir;
  FileWatch files;
};

/// Waits until there were as many reloads, for some seconds at most.
void wait_for_reloads(const Worker& worker, int count) {
  for (int i = 0; i < 500 && worker.reloads < count; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  BOOST_TEST(worker.reloads == count);
}
/// Much longer than it takes for files to settle.
void wait_for_more() {
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

/// As many callbacks as the worker has room for, all of them waiting.
std::vector<std::unique_ptr<Peer>> fill(Worker& worker) {
  std::vector<std::unique_ptr<Peer>> waiting;
  for (std::size_t i = 0; i < kRoom; ++i) {
    waiting.push_back(worker.connect());
    waiting.back()->send(kCallback);
    if (i == 1) BOOST_REQUIRE(worker.clock.wait_for(2));
    // Whoever answers has seen everything that came before.
    BOOST_REQUIRE(worker.ask(kSignature).text.starts_with("Status: 200"));
  }
  return waiting;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event_loop_tests)

BOOST_AUTO_TEST_CASE(tells_systemd_when_it_serves_reloads_and_stops) {
  const DatagramReceiver systemd;
  ::setenv("NOTIFY_SOCKET", systemd.path.c_str(), 1);
  const ServiceManager manager;
  std::string before_reload;
  Worker worker(
      nullptr,
      [&] {
        for (std::string text; (text = systemd.receive()) != "nothing";)
          before_reload += text + "\n";
      },
      &manager);
  BOOST_TEST(worker.ask(kSignature).text.starts_with("Status: 200"));
  Worker::signal(SIGHUP);
  wait_for_reloads(worker, 1);
  BOOST_TEST(before_reload.starts_with("READY=1\nSTATUS=configuration "));
  BOOST_TEST(before_reload.find("\nRELOADING=1\n") != std::string::npos);
  BOOST_TEST((worker.stop(SIGTERM) == true));
  const std::string after = systemd.receive();
  BOOST_TEST(after.starts_with("READY=1\nSTATUS=configuration "));
  BOOST_TEST(after.find(", 1 requests, ") != std::string::npos, after);
  BOOST_TEST(systemd.receive().starts_with("STOPPING=1\n"));
  BOOST_TEST(systemd.receive() == "nothing");
}

BOOST_AUTO_TEST_CASE(waiting_callbacks_stop_no_signature_and_too_many_are_told_to_come_back) {
  Worker worker;
  const auto waiting = fill(worker);

  for (int i = 0; i < 3; ++i) {
    const auto peer = worker.connect();
    peer->send(kCallback);
    const std::string text = peer->receive_answer().text;
    BOOST_TEST(text ==
               "Status: 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 79\r\n"
               "Retry-After: 1\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n"
               R"({"error":"too many callbacks at once; try again","code":"busy","success":false})");
    peer->send(kSignature);
    BOOST_TEST(peer->receive_answer().text.starts_with("Status: 200"), "the connection is kept");
  }

  worker.clock.release();
  for (const auto& peer : waiting)
    BOOST_TEST(peer->receive_answer().text.starts_with("Status: 200"));
  BOOST_TEST(worker.ask(kCallback).text.starts_with("Status: 200"));
}

BOOST_AUTO_TEST_CASE(a_stopping_worker_answers_the_callbacks_that_it_has_taken) {
  Worker worker;
  const auto waiting = fill(worker);
  const auto idle = worker.connect();
  idle->send(kSignature);
  BOOST_TEST(idle->receive_answer().complete);

  Worker::signal(SIGTERM);
  BOOST_TEST(idle->receive_end());
  BOOST_TEST(!worker.has_ended());
  worker.clock.release();
  for (const auto& peer : waiting) {
    BOOST_TEST(peer->receive_answer().text.starts_with("Status: 200"));
    BOOST_TEST(peer->receive_end());
  }
  BOOST_TEST(worker.stop(SIGUSR1).value_or(false));
}

BOOST_AUTO_TEST_CASE(a_request_that_comes_while_its_callback_waits_is_answered_afterwards) {
  Worker worker;
  const auto peer = worker.connect();
  peer->send(kCallback);
  BOOST_REQUIRE(worker.clock.wait_for(1));
  peer->send(kSignature);
  worker.clock.release();
  BOOST_TEST(peer->receive_answer().text.ends_with(R"({"success":true,"error":null})"));
  BOOST_TEST(peer->receive_answer().text.find("sig=") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_peer_that_goes_while_its_callback_waits_harms_nobody) {
  Worker worker;
  auto peer = worker.connect();
  peer->send(kCallback);
  BOOST_REQUIRE(worker.clock.wait_for(1));
  peer.reset();
  BOOST_TEST(worker.ask(kSignature).complete);
  worker.clock.release();
  BOOST_TEST(worker.ask(kCallback).complete);
}

// A descriptor that was missing may be there again, of which no file tells.
BOOST_AUTO_TEST_CASE(what_could_not_be_read_is_tried_again_until_it_can) {
  FaultyFiles state;
  Worker worker(nullptr, {}, nullptr, &state);
  wait_for_reloads(worker, 1);
  wait_for_reloads(worker, 2);
  state.is_faulty = false;
  wait_for_reloads(worker, 3);
  std::this_thread::sleep_for(std::chrono::milliseconds(2500));
  BOOST_TEST(worker.reloads == 3);
  BOOST_TEST((worker.stop(SIGTERM) == true));
}

BOOST_AUTO_TEST_CASE(a_reload_changes_what_comes_after_it) {
  Worker worker;
  worker.clock.release();
  std::string other(kSite);
  other.replace(other.find("\"uploads\""), 9, "\"elsewhere\"");
  worker.next_site = site_from(other);
  const auto before = worker.connect();
  before->send(kSignature);
  BOOST_TEST(before->receive_answer().text.starts_with("Status: 200"));

  Worker::signal(SIGHUP);
  while (worker.reloads == 0)
    std::this_thread::yield();
  for (const std::string& request : {kSignature, kCallback}) {
    before->send(request);
    BOOST_TEST(before->receive_answer().text.starts_with("Status: 403"));
    BOOST_TEST(worker.ask(request).text.starts_with("Status: 403"));
  }
}

BOOST_AUTO_TEST_CASE(a_reload_that_gives_nothing_changes_nothing) {
  Worker worker;
  worker.clock.release();
  BOOST_TEST(worker.ask(kSignature).complete);
  Worker::signal(SIGHUP);
  while (worker.reloads == 0)
    std::this_thread::yield();
  BOOST_TEST(worker.ask(kSignature).text.starts_with("Status: 200"));
  BOOST_TEST(worker.ask(kCallback).text.starts_with("Status: 200"));
}

BOOST_AUTO_TEST_CASE(a_changed_file_is_a_reload) {
  WatchedFiles watched;
  Worker worker(&watched.files, [&] { watched.files.watch(watched.look()); });
  std::string other(kSite);
  other.replace(other.find("\"uploads\""), 9, "\"elsewhere\"");
  worker.next_site = site_from(other);
  BOOST_TEST(worker.ask(kSignature).text.starts_with("Status: 200"));
  wait_for_more();
  BOOST_TEST(worker.reloads == 0, "nothing has changed");

  const auto start = std::chrono::steady_clock::now();
  watched.dir.write("one", "changed");
  wait_for_reloads(worker, 1);
  BOOST_TEST((std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(100)),
             "first they settle");
  BOOST_TEST(worker.ask(kSignature).text.starts_with("Status: 403"));
  wait_for_more();
  BOOST_TEST(worker.reloads == 1);
  watched.dir.write("two", "changed");
  wait_for_reloads(worker, 2);
  // The signal does the same, with files and without.
  Worker::signal(SIGHUP);
  wait_for_reloads(worker, 3);
  wait_for_more();
  BOOST_TEST(worker.reloads == 3);
}

BOOST_AUTO_TEST_CASE(several_changes_are_one_reload) {
  WatchedFiles watched;
  Worker worker(&watched.files, [&] { watched.files.watch(watched.look()); });
  BOOST_TEST(worker.ask(kSignature).complete);
  for (int i = 0; i < 5; ++i) {
    watched.dir.write("one", std::to_string(i));
    watched.dir.write("two", std::to_string(i));
  }
  wait_for_reloads(worker, 1);
  wait_for_more();
  BOOST_TEST(worker.reloads == 1);
}

// Whoever changes files and says so gets one reload, at once.
BOOST_AUTO_TEST_CASE(a_signal_is_the_reload_of_what_has_changed) {
  WatchedFiles watched;
  Worker worker(&watched.files, [&] { watched.files.watch(watched.look()); });
  BOOST_TEST(worker.ask(kSignature).complete);
  watched.dir.write("one", "changed");
  Worker::signal(SIGHUP);
  wait_for_reloads(worker, 1);
  wait_for_more();
  BOOST_TEST(worker.reloads == 1);
}

BOOST_AUTO_TEST_CASE(other_files_are_no_reload) {
  WatchedFiles watched;
  Worker worker(&watched.files, [&] { watched.files.watch(watched.look()); });
  BOOST_TEST(worker.ask(kSignature).complete);
  watched.dir.write("three", "3");
  wait_for_more();
  BOOST_TEST(worker.reloads == 0);
}

// Files are read before they are watched.
BOOST_AUTO_TEST_CASE(what_changed_before_the_watch_is_a_reload) {
  WatchedFiles watched;
  const SeenFiles seen = watched.look();
  watched.dir.write("one", "changed");
  watched.files.watch(seen);
  (void)watched.files.has_changed();  // swallows what inotify told
  Worker worker(&watched.files, [&] { watched.files.watch(watched.look()); });
  wait_for_reloads(worker, 1);
}

BOOST_AUTO_TEST_CASE(what_changes_during_a_reload_is_another) {
  WatchedFiles watched;
  int writes = 0;
  Worker worker(&watched.files, [&] {
    const SeenFiles seen = watched.look();
    // Not by TempDir, whose checks are Boost.Test's, which knows no second thread.
    if (writes++ == 0) std::ofstream(watched.dir.path() / "two") << "changed while the first was read";
    (void)watched.files.has_changed();
    watched.files.watch(seen);
  });
  BOOST_TEST(worker.ask(kSignature).complete);
  watched.dir.write("one", "changed");
  wait_for_reloads(worker, 2);
  wait_for_more();
  BOOST_TEST(worker.reloads == 2);
}

BOOST_AUTO_TEST_CASE(a_stopping_worker_reads_nothing_again) {
  WatchedFiles watched;
  Worker worker(&watched.files, [&] { watched.files.watch(watched.look()); });
  BOOST_TEST(worker.ask(kSignature).complete);
  const auto waiting = worker.connect();
  waiting->send(kCallback);
  BOOST_REQUIRE(worker.clock.wait_for(1));
  watched.dir.write("one", "changed");
  Worker::signal(SIGTERM);
  watched.dir.write("two", "changed");
  wait_for_more();
  BOOST_TEST(worker.reloads == 0);
  worker.clock.release();
  BOOST_TEST(waiting->receive_answer().text.starts_with("Status: 200"));
  BOOST_TEST(worker.stop(SIGTERM).value_or(false));
}

BOOST_AUTO_TEST_CASE(every_signal_to_stop_ends_an_idle_worker) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    Worker worker;
    const auto idle = worker.connect();
    idle->send(kSignature);
    BOOST_TEST(idle->receive_answer().complete);
    BOOST_TEST(worker.stop(signal).value_or(false));
    BOOST_TEST(idle->receive_end());
  }
}

BOOST_AUTO_TEST_CASE(a_listening_socket_that_fails_ends_the_worker_and_says_so) {
  Worker worker;
  BOOST_TEST(worker.ask(kSignature).complete);
  BOOST_TEST(worker.break_listener().value_or(true) == false);
}

BOOST_AUTO_TEST_SUITE_END()
