#include "fcgi/adapters/redis_connection.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr std::size_t kMaxPasswordBytes = 4096;

/// The file's text without the line feed that an editor leaves.
SecretBytes read_password(const std::string& file) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) throw RedisError(file + ": cannot be opened: " + std::strerror(errno));
  if (const std::string objection = objection_to(fd.get()); !objection.empty())
    throw RedisError(file + ": " + objection);
  auto password = read_secret(fd.get(), kMaxPasswordBytes);
  if (!password) throw RedisError(file + ": cannot be read, or is too long for a password");
  password->shrink(text_of(*password).find_last_not_of(" \t\r\n") + 1);
  return std::move(*password);
}

timeval timeval_of(std::chrono::milliseconds duration) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
  return {seconds.count(), std::chrono::microseconds(duration - seconds).count()};
}

redisContext* open(const RedisAddress& server) {
  const timeval timeout = timeval_of(server.connect_timeout);
  if (server.host.starts_with('/')) return redisConnectUnixWithTimeout(server.host.c_str(), timeout);
  return redisConnectWithTimeout(server.host.c_str(), static_cast<int>(server.port), timeout);
}

}  // namespace

void FreeRedisContext::operator()(redisContext* context) const {
  redisFree(context);
}

void FreeRedisReply::operator()(redisReply* reply) const {
  freeReplyObject(reply);
}

std::string RedisAddress::place() const {
  return host.starts_with('/') ? host : host + ":" + std::to_string(port);
}

RedisConnection::RedisConnection(const RedisAddress& server) : context_(open(server)) {
  if (context_ == nullptr) throw RedisError("out of memory");
  if (context_->err != 0) throw RedisError(std::string("cannot connect: ") + context_->errstr);
  (void)::fcntl(context_->fd, F_SETFD, FD_CLOEXEC);
  if (redisSetTimeout(context_.get(), timeval_of(server.timeout)) != REDIS_OK)
    throw RedisError(std::string("cannot set a time limit: ") + context_->errstr);
  if (!server.password_file.empty()) authenticate(server.password_file);
}

RedisReply RedisConnection::send(const std::string_view* arguments, std::size_t count) {
  std::array<const char*, kMaxArguments> texts{};
  std::array<std::size_t, kMaxArguments> sizes{};
  for (std::size_t i = 0; i < count; ++i) {
    texts[i] = arguments[i].data();
    sizes[i] = arguments[i].size();
  }
  RedisReply reply(static_cast<redisReply*>(
      redisCommandArgv(context_.get(), static_cast<int>(count), texts.data(), sizes.data())));
  if (reply != nullptr && reply->type == REDIS_REPLY_ERROR)
    throw RedisError(std::string(reply->str, reply->len));
  return reply;
}

bool RedisConnection::was_closed() const {
  return context_->err == REDIS_ERR_EOF ||
         (context_->err == REDIS_ERR_IO && (errno == EPIPE || errno == ECONNRESET));
}

std::string RedisConnection::failure() const {
  if (context_->err == REDIS_ERR_IO && errno == EAGAIN) return "no answer in time";
  return context_->errstr;
}

/// A server may repeat in its error what it was sent; the first word is the error's code.
void RedisConnection::authenticate(const std::string& password_file) {
  const SecretBytes password = read_password(password_file);
  const std::string_view command[] = {"AUTH", text_of(password)};
  RedisReply reply;
  try {
    reply = send(command, 2);
  } catch (const RedisError& error) {
    const std::string_view text(error.what());
    throw RedisError("refuses the password: " + std::string(text.substr(0, text.find(' '))));
  }
  if (reply == nullptr) throw RedisError(failure());
}

}  // namespace blobvalet::fcgi
