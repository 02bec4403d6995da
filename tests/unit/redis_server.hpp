#pragma once
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "fcgi/file_descriptor.hpp"
#include "tests/unit/temp_dir.hpp"

namespace blobvalet::testing {

/// A real redis-server of the test's own, on a unix socket in a directory of its own. Its data outlive a
/// stop.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> more_arguments = {})
      : more_arguments_(std::move(more_arguments)) {
    ::signal(SIGPIPE, SIG_IGN);  // as in the daemon: a test stops the server while it is connected
    start();
  }
  ~RedisServer() { stop(); }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  RedisServer(RedisServer&&) = delete;
  RedisServer& operator=(RedisServer&&) = delete;

  [[nodiscard]] std::string socket() const { return (dir_.path() / "redis.sock").string(); }
  [[nodiscard]] const TempDir& dir() const { return dir_; }

  void start() {
    std::vector<std::string> arguments = {"setpriv",
                                          "--pdeathsig",
                                          "TERM",
                                          "--",
                                          "redis-server",
                                          "--port",
                                          "0",
                                          "--save",
                                          "",
                                          "--appendonly",
                                          "yes",
                                          "--dir",
                                          dir_.path(),
                                          "--unixsocket",
                                          socket(),
                                          "--logfile",
                                          dir_.path() / "redis.log"};
    arguments.insert(arguments.end(), more_arguments_.begin(), more_arguments_.end());
    std::vector<char*> argv;
    for (std::string& argument : arguments)
      argv.push_back(argument.data());
    argv.push_back(nullptr);
    BOOST_REQUIRE_EQUAL(::posix_spawnp(&pid_, argv[0], nullptr, nullptr, argv.data(), environ), 0);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!answers()) {
      BOOST_REQUIRE_MESSAGE(
          std::chrono::steady_clock::now() < deadline && ::waitpid(pid_, nullptr, WNOHANG) == 0,
          "redis-server does not start: tests/install installs it");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  void stop() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGCONT);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
    std::filesystem::remove(socket());
  }
  /// It neither answers nor closes anything until `resume()`.
  void pause() const { ::kill(pid_, SIGSTOP); }
  void resume() const { ::kill(pid_, SIGCONT); }

 private:
  [[nodiscard]] bool answers() const {
    sockaddr_un address{AF_UNIX, {}};
    socket().copy(address.sun_path, sizeof address.sun_path - 1);
    const fcgi::FileDescriptor peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(peer.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return false;
    (void)!::write(peer.get(), "PING\r\n", 6);
    std::array<char, 64> reply{};
    const ssize_t size = ::read(peer.get(), reply.data(), reply.size());
    // It may want a password, but no more time to load its data.
    return size > 0 &&
           !std::string_view(reply.data(), static_cast<std::size_t>(size)).starts_with("-LOADING");
  }

  TempDir dir_;
  std::vector<std::string> more_arguments_;
  pid_t pid_ = 0;
};

}  // namespace blobvalet::testing
