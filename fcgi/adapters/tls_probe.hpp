#pragma once
#include <string>

#include "core/diagnosis.hpp"

namespace blobvalet::fcgi {

/// Connects to a host by TLS as a browser would, and says what its certificate is good for: whether it is for
/// this host, valid now, and vouched for by the system's authorities or by those in `ca_file`.
[[nodiscard]] Link probe_tls(const std::string& host, const std::string& port, const std::string& ca_file);

}  // namespace blobvalet::fcgi
