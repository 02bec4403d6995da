#pragma once
#include <atomic>
#include <thread>

#include "fcgi/admission.hpp"
#include "fcgi/mailbox.hpp"

namespace blobvalet::fcgi {

/// Accepts connections in a thread of its own and posts them to the mailbox.
///
/// Its accept blocks: all workers share one listening socket, and systemd clears O_NONBLOCK on it whenever it
/// starts another worker, so that an event loop which relied on a non-blocking accept would hang there.
class Acceptor {
 public:
  /// `listen_fd` stays the caller's; it is never shut down, since other workers go on listening on it.
  /// A connection that `admission` does not want is closed before a byte of it is read.
  Acceptor(int listen_fd, Mailbox& mailbox, Admission& admission);
  ~Acceptor() { stop(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  Acceptor(Acceptor&&) = delete;
  Acceptor& operator=(Acceptor&&) = delete;

  /// Returns when no more connections will be posted.
  void stop();
  /// True if accepting ended by itself, because the listening socket is not usable.
  [[nodiscard]] bool has_failed() const { return failed_; }

 private:
  void run();
  [[nodiscard]] bool accept_one();

  int listen_fd_;
  Mailbox& mailbox_;
  Admission& admission_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> stopped_ = false;
  std::atomic<bool> failed_ = false;
  std::thread thread_;
};

}  // namespace blobvalet::fcgi
