#include "fcgi/service_manager.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace blobvalet::fcgi {
namespace {

// Once it is stopping, nothing is due any more: the last answers may take as long as Azure does.
constexpr std::string_view kPatienceWhenStopping = "\nWATCHDOG_USEC=300000000";

/// The variable's value, which no child will see; empty: there is none.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

std::optional<std::uint64_t> number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The clock that systemd reads too, in microseconds.
std::string monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::to_string(now.tv_sec * 1'000'000 + now.tv_nsec / 1000);
}

/// sd_listen_fds(3): the first one that is passed.
constexpr int kFirstPassed = 3;
constexpr std::string_view kKeptName = "blobvalet";

FileDescriptor take_passed() {
  const auto count = number(take_variable("LISTEN_FDS"));
  const auto pid = number(take_variable("LISTEN_PID"));
  const std::string names = take_variable("LISTEN_FDNAMES");
  if (count != 1U || pid != static_cast<std::uint64_t>(::getpid()) || names != kKeptName) return {};
  ::fcntl(kFirstPassed, F_SETFD, FD_CLOEXEC);
  return FileDescriptor(kFirstPassed);
}

std::string status_line(std::string_view status) {
  return std::string("\nSTATUS=").append(status);
}

}  // namespace

ServiceManager::ServiceManager() : socket_(take_variable("NOTIFY_SOCKET")), kept_(take_passed()) {
  const auto microseconds = number(take_variable("WATCHDOG_USEC"));
  const auto pid = number(take_variable("WATCHDOG_PID"));
  const bool is_us = !pid || *pid == static_cast<std::uint64_t>(::getpid());
  if (microseconds && *microseconds > 0 && is_us) {
    watchdog_ =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(*microseconds));
  }
}

void ServiceManager::keep(int fd) const {
  // One that it keeps already might be another file by now.
  send(std::string("FDSTOREREMOVE=1\nFDNAME=").append(kKeptName));
  send(std::string("FDSTORE=1\nFDNAME=").append(kKeptName), fd);
}

void ServiceManager::ready(std::string_view status) const {
  send("READY=1" + status_line(status));
}

void ServiceManager::reloading() const {
  send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_now());
}

void ServiceManager::stopping() const {
  send(std::string("STOPPING=1").append(kPatienceWhenStopping) + status_line("answers what it has begun"));
}

void ServiceManager::alive(std::string_view status) const {
  send("WATCHDOG=1" + status_line(status));
}

/// Never waits: systemd reads in time, or does not hear of it. `fd` goes along unless it is -1.
void ServiceManager::send(const std::string& message, int fd) const {
  sockaddr_un address{};
  // A path, or with @ a name that is in no file system.
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  socket_.copy(static_cast<char*>(address.sun_path), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';

  iovec text{const_cast<char*>(message.data()), message.size()};
  msghdr header{};
  header.msg_name = &address;
  header.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  header.msg_iov = &text;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof fd)> control{};
  if (fd >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  (void)!::sendmsg(socket.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace blobvalet::fcgi
