#pragma once
#include <sys/eventfd.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "fcgi/connection.hpp"
#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

/// Where other threads hand connections to the event loop: newly accepted ones, and those whose callback is
/// answered.
class Mailbox {
 public:
  /// Throws std::runtime_error if the kernel gives no eventfd.
  Mailbox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!wake_.valid()) throw std::runtime_error("eventfd failed");
  }

  void post(std::unique_ptr<Connection> connection) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(connection));
    }
    wake();
  }
  /// Makes fd() readable.
  void wake() const {
    const std::uint64_t one = 1;
    // Failing means that the counter is at its maximum, and so the loop awake.
    (void)!::write(wake_.get(), &one, sizeof one);
  }
  /// Everything posted so far.
  [[nodiscard]] std::vector<std::unique_ptr<Connection>> take() {
    std::uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(posted_, {});
  }
  /// Readable when there is something to take.
  [[nodiscard]] int fd() const { return wake_.get(); }

 private:
  FileDescriptor wake_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> posted_;
};

}  // namespace blobvalet::fcgi
