#pragma once
#include <chrono>
#include <string>
#include <tl/expected.hpp>

namespace blobvalet::fcgi {

/// Asks a worker by its socket, without nginx, for `endpoint` (such as `health`), and returns the body of the
/// answer. Fails with the reason: nobody listens, no answer within `timeout`, or no FastCGI.
[[nodiscard]] tl::expected<std::string, std::string> ask_worker(const std::string& socket,
                                                                const std::string& endpoint,
                                                                std::chrono::milliseconds timeout);

}  // namespace blobvalet::fcgi
