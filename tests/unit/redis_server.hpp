#pragma once
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/temp_dir.hpp"

namespace blobvalet::testing {

/// A real redis-server of the test's own, on a unix socket in a directory of its own. Its data outlive a
/// stop.
class RedisServer {
 public:
  explicit RedisServer(std::vector<std::string> more_arguments = {})
      : more_arguments_(std::move(more_arguments)) {
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
    while (!std::filesystem::exists(socket())) {
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
  TempDir dir_;
  std::vector<std::string> more_arguments_;
  pid_t pid_ = 0;
};

}  // namespace blobvalet::testing
