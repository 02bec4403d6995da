#include "fcgi/tcp_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace blobvalet::fcgi {
namespace {

// The first probe after so long without a word (nginx keeps an idle connection for a second),
constexpr std::chrono::seconds kProbeAfter{5};
// further ones,
constexpr std::chrono::seconds kProbeEvery{3};
// and no more than these.
constexpr int kProbes = 3;
// How long an answer may stay unacknowledged.
constexpr std::chrono::milliseconds kGiveUpAfter{14000};

std::optional<TcpAddress> address_from(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::array<unsigned char, 4> bytes{};
    std::copy_n(reinterpret_cast<const unsigned char*>(&v4.sin_addr), bytes.size(), bytes.begin());
    return TcpAddress{IpAddress(bytes), ntohs(v4.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    IpAddress::Bytes bytes{};
    std::copy_n(static_cast<const unsigned char*>(v6.sin6_addr.s6_addr), bytes.size(), bytes.begin());
    return TcpAddress{IpAddress(bytes), ntohs(v6.sin6_port)};
  }
  return std::nullopt;
}

template <class Ask>
std::optional<TcpAddress> ask_for_address(int socket, Ask ask) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (ask(socket, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return address_from(storage);
}

void set_option(int socket, int level, int option, int value) {
  // Each is a help, and none a condition.
  (void)::setsockopt(socket, level, option, &value, sizeof value);
}

}  // namespace

std::string TcpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const auto& bytes = ip.bytes();
  const bool v4 = ip.is_ipv4();
  ::inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? &bytes[12] : bytes.data(), buffer.data(), buffer.size());
  const std::string host(buffer.data());
  return (v4 ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::optional<TcpAddress> tcp_address_of(int socket) {
  return ask_for_address(socket, ::getsockname);
}

std::optional<TcpAddress> tcp_peer_of(int socket) {
  return ask_for_address(socket, ::getpeername);
}

void set_up_accepted(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(kProbeAfter.count()));
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(kProbeEvery.count()));
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(kGiveUpAfter.count()));
}

}  // namespace blobvalet::fcgi
