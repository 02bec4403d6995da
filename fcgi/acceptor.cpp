#include "fcgi/acceptor.hpp"

#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "fcgi/tcp_socket.hpp"

namespace blobvalet::fcgi {
namespace {

// Breaks a blocking accept; its handler does nothing, and without SA_RESTART the call returns.
constexpr int kWakeSignal = SIGUSR2;

void install_wake_signal() {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(kWakeSignal, &action, nullptr);
}

bool is_fatal(int error) {
  return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EOPNOTSUPP;
}

bool is_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Acceptor::Acceptor(int listen_fd, Mailbox& mailbox, Admission& admission)
    : listen_fd_(listen_fd), mailbox_(mailbox), admission_(admission) {
  install_wake_signal();
  thread_ = std::thread([this] { run(); });
}

void Acceptor::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  // A signal that arrives just before the call blocks is lost, hence more than one.
  while (!stopped_) {
    ::pthread_kill(thread_.native_handle(), kWakeSignal);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  thread_.join();
}

void Acceptor::run() {
  while (!stopping_ && accept_one()) {
  }
  stopped_ = true;
  mailbox_.wake();
}

/// False if accepting can never succeed again.
bool Acceptor::accept_one() {
  // Non-blocking: a web server that does not read its answers loses them, instead of holding the event loop.
  // The socket's buffer takes many answers, and nginx reads each before it asks again.
  FileDescriptor socket(::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (socket.valid()) {
    if (!admission_.admits(socket.get())) return true;  // closed before a byte is read
    if (admission_.is_tcp()) set_up_accepted(socket.get());
    mailbox_.post(std::make_unique<Connection>(std::move(socket)));
    return true;
  }
  if (is_fatal(errno)) {
    failed_ = true;
    return false;
  }
  // Out of descriptors or memory: others will give some back; the connections wait in the listen queue.
  if (is_exhaustion(errno)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return true;
}

}  // namespace blobvalet::fcgi
