#pragma once
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>

#include "fcgi/file_descriptor.hpp"
#include "tests/fuzz/property.hpp"

namespace blobvalet::fuzz {

/// The program itself, `serve` on a socket of its own in a directory of its own. It ends with this process.
class Daemon {
 public:
  /// `binary` is the program's path; `config` the configuration, whose keys and files are below its
  /// directory.
  Daemon(const std::string& binary, std::string_view config) : directory_(make_directory()) {
    std::ofstream(directory_ / "blobvalet.json") << config;
    std::ofstream(directory_ / "a.key") << "c2l4dGVlbiBieXRlcyBvZiBrZXk=";
    std::filesystem::permissions(directory_ / "a.key", std::filesystem::perms::owner_read);
    const std::string socket = directory_ / "socket";
    address_.sun_family = AF_UNIX;
    require(socket.size() < sizeof address_.sun_path, "the socket's path is short");
    std::memcpy(address_.sun_path, socket.c_str(), socket.size() + 1);
    const fcgi::FileDescriptor listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    require(::bind(listener.get(), generic_address(), sizeof address_) == 0, "the socket can be bound");
    require(::listen(listener.get(), 128) == 0, "and listened on");
    pid_ = ::fork();
    require(pid_ >= 0, "the program can be started");
    if (pid_ == 0) become(binary, listener.get());
  }
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  Daemon(Daemon&&) = delete;
  Daemon& operator=(Daemon&&) = delete;
  ~Daemon() { stop(); }

  /// Ends the run unless the property holds; what is open is shown, and what a sanitizer has said of the
  /// program.
  void require_of_it(bool holds, const char* property) {
    if (holds) return;
    std::error_code gone;
    for (const auto& file : std::filesystem::directory_iterator(descriptor_directory(), gone)) {
      const auto target = std::filesystem::read_symlink(file.path(), gone);
      std::cerr << "open: " << file.path().filename().string() << " " << target.string() << "\n";
    }
    for (const auto& file : std::filesystem::directory_iterator(directory_)) {
      if (!file.path().filename().string().starts_with("sanitizer")) continue;
      std::cerr << std::ifstream(file.path()).rdbuf();
    }
    stop();
    require(false, property);
  }

  [[nodiscard]] bool lives() const { return ::waitpid(pid_, nullptr, WNOHANG) == 0; }

  [[nodiscard]] fcgi::FileDescriptor connect() {
    fcgi::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    require_of_it(::connect(socket.get(), generic_address(), sizeof address_) == 0, "it takes a connection");
    return socket;
  }

  /// How many descriptors it has open; 0 where only root may look.
  [[nodiscard]] std::ptrdiff_t descriptors() const {
    std::error_code error;
    const std::filesystem::directory_iterator files(descriptor_directory(), error);
    return error ? 0 : std::distance(begin(files), end(files));
  }

 private:
  static std::filesystem::path make_directory() {
    std::string name = std::filesystem::temp_directory_path() / "blobvalet-fuzz-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr, "there can be a temporary directory");
    return name;
  }

  [[nodiscard]] std::string descriptor_directory() const { return "/proc/" + std::to_string(pid_) + "/fd"; }

  [[noreturn]] void become(const std::string& binary, int listener) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(listener, STDIN_FILENO);
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    ::setenv("ASAN_OPTIONS", ("log_path=" + (directory_ / "sanitizer").string()).c_str(), 1);
    ::setenv("UBSAN_OPTIONS", ("log_path=" + (directory_ / "sanitizer").string()).c_str(), 1);
    const std::string config = directory_ / "blobvalet.json";
    ::execl(binary.c_str(), binary.c_str(), "serve", "--config", config.c_str(), nullptr);
    ::_exit(127);
  }

  void stop() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  [[nodiscard]] const sockaddr* generic_address() const {
    return reinterpret_cast<const sockaddr*>(&address_);
  }

  std::filesystem::path directory_;
  sockaddr_un address_{};
  pid_t pid_ = -1;
};

/// What comes until the other side ends, or for `patience` after the last of it; whether it ended.
struct Received {
  std::string bytes;
  bool ended = false;
};
inline Received receive(int socket, std::chrono::milliseconds patience) {
  Received received;
  char buffer[16384];
  pollfd waiting{socket, POLLIN, 0};
  while (::poll(&waiting, 1, static_cast<int>(patience.count())) > 0) {
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
    received.ended = size <= 0;
    if (received.ended) break;
    received.bytes.append(buffer, static_cast<std::size_t>(size));
  }
  return received;
}

}  // namespace blobvalet::fuzz
