#include "fcgi/fcgi_client.hpp"

#include <fastcgi.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {
namespace {

constexpr std::size_t kLongestAnswer = 1 << 20;

/// One record of request 1 (FastCGI Specification, section 3.3); `content` has fewer than 64 KiB.
void append_record(std::string& out, int type, std::string_view content) {
  const auto byte = [](std::size_t value) { return static_cast<char>(value & 0xffU); };
  out.append({FCGI_VERSION_1, byte(static_cast<std::size_t>(type)), 0, 1, byte(content.size() >> 8U),
              byte(content.size()), 0, 0});
  out.append(content);
}

/// A name and a value, both of fewer than 128 bytes.
void append_pair(std::string& out, std::string_view name, std::string_view value) {
  out.append({static_cast<char>(name.size()), static_cast<char>(value.size())});
  out.append(name).append(value);
}

std::string request_for(const std::string& endpoint) {
  std::string params;
  append_pair(params, "REQUEST_METHOD", "GET");
  append_pair(params, "BLOBVALET_ENDPOINT", endpoint);
  std::string request;
  append_record(request, FCGI_BEGIN_REQUEST, std::string_view("\0\1\0\0\0\0\0\0", 8));  // responder, close
  append_record(request, FCGI_PARAMS, params);
  append_record(request, FCGI_PARAMS, {});
  append_record(request, FCGI_STDIN, {});
  return request;
}

FileDescriptor connect_to(const std::string& path, std::chrono::milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return {};
  }
  std::memcpy(static_cast<char*>(address.sun_path), path.data(), path.size());
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timeval limit{seconds.count(), static_cast<suseconds_t>((timeout - seconds).count() * 1000)};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return ::connect(socket.get(), generic, sizeof address) == 0 ? std::move(socket) : FileDescriptor();
}

/// All bytes until the worker closes; nothing, with errno set, if it does not.
bool receive(int socket, std::string& bytes) {
  std::array<char, 16384> buffer{};
  ssize_t n = 0;
  while ((n = ::recv(socket, buffer.data(), buffer.size(), 0)) > 0) {
    bytes.append(buffer.data(), static_cast<std::size_t>(n));
    if (bytes.size() > kLongestAnswer) break;
  }
  return n == 0;
}

/// What the STDOUT records hold.
std::string output_in(std::string_view bytes) {
  std::string output;
  while (bytes.size() >= FCGI_HEADER_LEN) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const std::size_t length = byte(4) * 256U + byte(5);
    if (byte(1) == FCGI_STDOUT) output.append(bytes.substr(FCGI_HEADER_LEN, length));
    bytes.remove_prefix(std::min(bytes.size(), FCGI_HEADER_LEN + length + byte(6)));
  }
  return output;
}

}  // namespace

tl::expected<std::string, std::string> ask_worker(const std::string& socket, const std::string& endpoint,
                                                  std::chrono::milliseconds timeout) {
  const FileDescriptor connection = connect_to(socket, timeout);
  if (!connection.valid()) return tl::unexpected(std::string("connect: ") + std::strerror(errno));
  const std::string request = request_for(endpoint);
  std::string bytes;
  const bool is_sent = ::send(connection.get(), request.data(), request.size(), MSG_NOSIGNAL) ==
                       static_cast<ssize_t>(request.size());
  if (!is_sent || !receive(connection.get(), bytes)) {
    return tl::unexpected(errno == EAGAIN || errno == EWOULDBLOCK ? std::string("no answer in time")
                                                                  : std::string(std::strerror(errno)));
  }
  const std::string output = output_in(bytes);
  const std::size_t head = output.find("\r\n\r\n");
  if (head == std::string::npos)
    return tl::unexpected(std::string("the answer is not that of a FastCGI worker"));
  return output.substr(head + 4);
}

}  // namespace blobvalet::fcgi
