#pragma once
#include "core/config.hpp"
#include "core/config_fault.hpp"

namespace blobvalet {

/// What keeps workers from listening on TCP at `bound`: whoever can connect says which user a request comes
/// from, so nobody may by accident.
[[nodiscard]] ConfigFaults faults_of_tcp_listener(const ServerOptions& server, const IpAddress& bound);

}  // namespace blobvalet
