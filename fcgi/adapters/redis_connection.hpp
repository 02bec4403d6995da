#pragma once
#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

struct redisContext;
struct redisReply;

namespace blobvalet::fcgi {

/// Where a server is, and how long it may take.
struct RedisAddress {
  std::string host;           ///< name or address, or an absolute path: its unix socket
  unsigned port = 6379;       ///< unused with a unix socket
  std::string password_file;  ///< empty: none
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds timeout{2000};  ///< for each answer

  /// `127.0.0.1:6379`, or the socket's path.
  [[nodiscard]] std::string place() const;
};

/// The server cannot be reached, or objects.
class RedisError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct FreeRedisContext {
  void operator()(redisContext* context) const;
};
struct FreeRedisReply {
  void operator()(redisReply* reply) const;
};
using RedisReply = std::unique_ptr<redisReply, FreeRedisReply>;

/// A connection, usable until the first error that is not an answer.
class RedisConnection {
 public:
  /// Connects and, if there is a password file, authenticates. Throws RedisError.
  explicit RedisConnection(const RedisAddress& server);

  /// The answer to a command; null if the connection broke. Throws RedisError with what the server objects
  /// to.
  [[nodiscard]] RedisReply send(const std::string_view* arguments, std::size_t count);
  /// True if the last send() broke because the server closed the connection, as it may with an idle one.
  [[nodiscard]] bool was_closed() const;
  /// Why the last send() broke.
  [[nodiscard]] std::string failure() const;

  static constexpr std::size_t kMaxArguments = 12;

 private:
  void authenticate(const std::string& password_file);

  std::unique_ptr<redisContext, FreeRedisContext> context_;
};

}  // namespace blobvalet::fcgi
