#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "fcgi/file_descriptor.hpp"
#include "fcgi/unix_socket.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

/// Listens at `path`, which may begin with NUL.
FileDescriptor listen_at(const std::string& path) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(&address.sun_path[0], path.data(), path.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  BOOST_REQUIRE_EQUAL(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  BOOST_REQUIRE_EQUAL(::listen(socket.get(), 1), 0);
  return socket;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(unix_socket_tests)

BOOST_AUTO_TEST_CASE(whom_a_listening_socket_may_let_in) {
  struct Row {
    mode_t mode;
    bool refused;
  };
  const Row kRows[] = {
      {0600, false}, {0660, false}, {0755, false}, {0664, false},  // others may not connect: that is writing
      {0662, true},  {0666, true},  {0777, true},  {0602, true},
  };
  const TempDir dir;
  const std::string path = dir.path() / "worker.sock";
  const FileDescriptor socket = listen_at(path);
  for (const auto& row : kRows) {
    BOOST_REQUIRE_EQUAL(::chmod(path.c_str(), row.mode), 0);
    const std::string fault = fault_of_unix_listener(socket.get());
    BOOST_TEST(!fault.empty() == row.refused, std::oct << row.mode << ": " << fault);
  }
  BOOST_REQUIRE_EQUAL(::chmod(path.c_str(), 0666), 0);
  BOOST_TEST(
      fault_of_unix_listener(socket.get()) ==
      path +
          ": has mode 0666, so everybody on this machine could ask in any user's name; let it have mode "
          "0660 and nginx's group (spawn-fcgi: -M 0660, systemd: SocketMode=0660)");
}

BOOST_AUTO_TEST_CASE(an_abstract_socket_lets_everybody_in) {
  const FileDescriptor socket = listen_at('\0' + ("blobvalet-unit-" + std::to_string(::getpid())));
  BOOST_TEST(
      fault_of_unix_listener(socket.get()) ==
      "the listening socket is an abstract one: everybody on this machine could ask in any user's name; "
      "give it a path");
}

BOOST_AUTO_TEST_CASE(of_others_nothing_is_said) {
  const TempDir dir;
  const std::string path = dir.path() / "worker.sock";
  const FileDescriptor gone = listen_at(path);
  std::filesystem::remove(path);
  BOOST_TEST(fault_of_unix_listener(gone.get()) == "");
  const FileDescriptor tcp(::socket(AF_INET, SOCK_STREAM, 0));
  BOOST_TEST(fault_of_unix_listener(tcp.get()) == "");
  const FileDescriptor unnamed(::socket(AF_UNIX, SOCK_STREAM, 0));
  BOOST_TEST(fault_of_unix_listener(unnamed.get()) == "");
  BOOST_TEST(fault_of_unix_listener(-1) == "");
}

BOOST_AUTO_TEST_SUITE_END()
