#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace blobvalet {

/// Where the budgets of rate limits are; the configuration's `limits`.
struct LimitOptions {
  enum class Store : std::uint8_t {
    shared_memory,  ///< a file in memory, which all workers of this machine share
    redis,          ///< a server, which workers of several machines share
  };
  Store store = Store::shared_memory;
  std::string file = "/run/blobvalet/limits";  ///< shared_memory
  std::string host = "127.0.0.1";    ///< redis: host name or address, or an absolute path: its unix socket
  unsigned port = 6379;              ///< redis; unused with a unix socket
  std::string password_file;         ///< redis: file with the password; empty: none
  std::string prefix = "blobvalet";  ///< redis: its keys begin with `<prefix>:`
  std::chrono::milliseconds timeout{500};  ///< redis: to connect, and for each answer
  /// If the store cannot be used: 503, or (false) all is allowed.
  bool refuse_when_unavailable = false;

  friend bool operator==(const LimitOptions&, const LimitOptions&) = default;
};

}  // namespace blobvalet
