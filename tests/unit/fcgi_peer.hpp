#pragma once
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <string>
#include <string_view>

#include "fcgi/file_descriptor.hpp"
#include "tests/unit/fcgi_records.hpp"

namespace blobvalet::testing {

/// What came back for one request.
struct Answer {
  std::string text;       ///< the CGI response
  bool complete = false;  ///< ended by END_REQUEST, with both statuses 0
  std::size_t size = 0;   ///< of all its records
};

inline Answer parse_answer(std::string_view bytes) {
  Answer answer;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[answer.size + i]));
  };
  while (!answer.complete && bytes.size() - answer.size >= 8) {
    const std::size_t length = byte(4) * 256 + byte(5);
    const std::size_t record = 8 + length + byte(6);
    if (bytes.size() - answer.size < record) break;
    const std::string_view content = bytes.substr(answer.size + 8, length);
    if (byte(1) == kStdout) answer.text.append(content);
    answer.complete = byte(1) == kEnd && content.substr(0, 5) == std::string_view("\0\0\0\0\0", 5);
    answer.size += record;
  }
  return answer;
}

/// The web server's end of a connection. It never waits longer than a few seconds.
class Peer {
 public:
  explicit Peer(int type = SOCK_STREAM) {
    std::array<int, 2> ends{};
    BOOST_REQUIRE_EQUAL(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()), 0);
    own_ = fcgi::FileDescriptor(ends[0]);
    other_ = fcgi::FileDescriptor(ends[1]);
  }
  explicit Peer(fcgi::FileDescriptor connected) : own_(std::move(connected)) {}

  fcgi::FileDescriptor take_other_end() { return std::move(other_); }
  void close() { own_ = fcgi::FileDescriptor(); }
  void stop_writing() { ::shutdown(own_.get(), SHUT_WR); }

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(own_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      BOOST_REQUIRE_GT(n, 0);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  /// Waits for the end of one answer.
  Answer receive_answer() {
    Answer answer;
    while (!(answer = parse_answer(received_)).complete && receive_some()) {
    }
    received_.erase(0, answer.size);
    return answer;
  }
  /// One packet of a SOCK_SEQPACKET socket.
  std::string receive_packet() {
    receive_some();
    return std::exchange(received_, {});
  }
  /// True if the other end has closed, or writes no more.
  bool receive_end() {
    while (receive_some()) {
    }
    return ended_;
  }

 private:
  /// False at the end, and if nothing comes.
  bool receive_some() {
    pollfd waiting{own_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 5000) != 1) return false;
    std::array<char, 65536> chunk{};
    const ssize_t n = ::recv(own_.get(), chunk.data(), chunk.size(), 0);
    ended_ = n <= 0;
    if (n > 0) received_.append(chunk.data(), static_cast<std::size_t>(n));
    return n > 0;
  }

  fcgi::FileDescriptor own_;
  fcgi::FileDescriptor other_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace blobvalet::testing
