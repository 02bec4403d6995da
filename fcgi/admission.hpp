#pragma once
#include <chrono>
#include <mutex>
#include <vector>

#include "core/ip_address.hpp"

namespace blobvalet::fcgi {

/// Who may connect to a TCP socket. Whoever may connect to a unix socket is for its file's mode to say. For
/// use by any number of threads.
class Admission {
 public:
  /// `allowed` is `server.allow_from`.
  Admission(int listen_fd, std::vector<IpNetwork> allowed);

  /// From now on these.
  void allow(std::vector<IpNetwork> allowed);
  /// True if the other end of an accepted socket may be there. If not, the log says so, but not more often
  /// than every ten seconds: a port scan must not fill it.
  [[nodiscard]] bool admits(int socket);
  [[nodiscard]] bool is_tcp() const { return is_tcp_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  const bool is_tcp_;
  std::mutex mutex_;  ///< guards what follows
  std::vector<IpNetwork> allowed_;
  Time log_again_at_{};
  unsigned not_logged_ = 0;
};

}  // namespace blobvalet::fcgi
