#pragma once
#include <optional>
#include <string>

#include "core/ip_address.hpp"

namespace blobvalet::fcgi {

struct TcpAddress {
  IpAddress ip;
  unsigned port;

  /// `10.0.0.2:9000` or `[fd00::2]:9000`.
  [[nodiscard]] std::string text() const;
};

/// Where the socket listens, or this end of it is; nothing if it is no TCP socket.
[[nodiscard]] std::optional<TcpAddress> tcp_address_of(int socket);

/// Where the socket's other end is; nothing if it is no TCP socket.
[[nodiscard]] std::optional<TcpAddress> tcp_peer_of(int socket);

/// Sets an accepted TCP socket up: an answer goes out at once, and a peer that was cut off without a word is
/// noticed within a quarter of a minute, or its connections would stay for ever.
void set_up_accepted(int socket);

}  // namespace blobvalet::fcgi
