#include "fcgi/unix_socket.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstddef>

#include "fcgi/file_mode.hpp"

namespace blobvalet::fcgi {

std::string fault_of_unix_listener(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return "";
  if (address.sun_family != AF_UNIX) return "";
  constexpr std::size_t kPathAt = offsetof(sockaddr_un, sun_path);
  const std::string path(static_cast<const char*>(address.sun_path), size > kPathAt ? size - kPathAt : 0);
  if (path.empty()) return "";
  const std::string consequence = "everybody on this machine could ask in any user's name";
  if (path.front() == '\0')
    return "the listening socket is an abstract one: " + consequence + "; give it a path";
  const std::string name = path.substr(0, path.find('\0'));  // the kernel counts the NUL, too
  struct stat file {};
  if (::stat(name.c_str(), &file) != 0 || (file.st_mode & S_IWOTH) == 0) return "";
  return name + ": has mode " + octal(file.st_mode) + ", so " + consequence +
         "; let it have mode 0660 and nginx's group (spawn-fcgi: -M 0660, systemd: SocketMode=0660)";
}

}  // namespace blobvalet::fcgi
