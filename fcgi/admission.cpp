#include "fcgi/admission.hpp"

#include <utility>

#include "fcgi/log.hpp"
#include "fcgi/tcp_socket.hpp"

namespace blobvalet::fcgi {

using std::chrono::steady_clock;

Admission::Admission(int listen_fd, std::vector<IpNetwork> allowed)
    : is_tcp_(tcp_address_of(listen_fd).has_value()), allowed_(std::move(allowed)) {}

void Admission::allow(std::vector<IpNetwork> allowed) {
  const std::lock_guard lock(mutex_);
  allowed_ = std::move(allowed);
}

bool Admission::admits(int socket) {
  if (!is_tcp_) return true;
  const auto peer = tcp_peer_of(socket);
  if (!peer) return false;  // it is gone already
  const std::lock_guard lock(mutex_);
  if (contains(allowed_, peer->ip)) return true;
  constexpr std::chrono::seconds kLogEvery{10};
  if (steady_clock::now() < log_again_at_) {
    ++not_logged_;
    return false;
  }
  const std::string others =
      not_logged_ == 0 ? "" : ", and " + std::to_string(not_logged_) + " connections before that";
  Log::notice("connection_refused", peer->text() + " is not in server.allow_from" + others);
  log_again_at_ = steady_clock::now() + kLogEvery;
  not_logged_ = 0;
  return false;
}

}  // namespace blobvalet::fcgi
