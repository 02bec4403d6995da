#pragma once
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/test/unit_test.hpp>
#include <string>

#include "fcgi/file_descriptor.hpp"
#include "tests/unit/temp_dir.hpp"

namespace blobvalet::testing {

/// Listens as systemd and the journal do.
class DatagramReceiver {
 public:
  DatagramReceiver() : path((dir_.path() / "socket").string()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    BOOST_REQUIRE_EQUAL(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
                        0);
  }
  /// The next message, which is there already, and a descriptor that came along; "nothing" if there is none.
  [[nodiscard]] std::string receive(fcgi::FileDescriptor* descriptor = nullptr) const {
    std::string text(1U << 20U, '\0');
    iovec into{text.data(), text.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr header{};
    header.msg_iov = &into;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) return "nothing";
    const cmsghdr* rights = CMSG_FIRSTHDR(&header);
    if (rights != nullptr) {
      fcgi::FileDescriptor came(*reinterpret_cast<const int*>(CMSG_DATA(rights)));
      if (descriptor != nullptr) *descriptor = std::move(came);
    }
    text.resize(static_cast<std::size_t>(size));
    return text;
  }

 private:
  TempDir dir_;
  fcgi::FileDescriptor socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};

 public:
  const std::string path;
};

}  // namespace blobvalet::testing
