#include "core/tcp_listener.hpp"

namespace blobvalet {

ConfigFaults faults_of_tcp_listener(const ServerOptions& server, const IpAddress& bound) {
  ConfigFaults faults;
  if (server.allow_from.empty()) {
    faults.push_back(
        {"server.allow_from", "must list the addresses of nginx, since these workers listen on TCP"});
  }
  if (!bound.is_private() && !server.allow_public_bind) {
    faults.push_back(
        {"server.allow_public_bind",
         bound.is_unspecified()
             ? "must be true for workers to listen on all addresses of the machine; better name one"
             : "must be true for workers to listen on an address that is not private"});
  }
  return faults;
}

}  // namespace blobvalet
