#include "fcgi/journal.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstdint>
#include <cstdlib>
#include <string>

namespace blobvalet::fcgi {
namespace {

/// Little-endian, whatever this machine is.
void append_size(std::string& text, std::uint64_t size) {
  for (unsigned shift = 0; shift < 64; shift += 8)
    text.push_back(static_cast<char>((size >> shift) & 0xffU));
}

}  // namespace

/// A value of more than one line comes with its length, so that nobody can forge a field.
void JournalEntry::field(std::string_view name, std::string_view value) {
  text_.append(name);
  if (value.find('\n') == std::string_view::npos) {
    text_.append("=");
  } else {
    text_.append("\n");
    append_size(text_, value.size());
  }
  text_.append(value).append("\n");
}

Journal::Journal(std::string socket)
    : socket_(std::move(socket)), sender_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

bool Journal::is_behind(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(fd, &status) != 0) return false;
  return stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

bool Journal::send(const JournalEntry& entry) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
  const std::string_view text = entry.text();
  // By name each time: the journal may be another one by now.
  return ::sendto(sender_.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) == static_cast<ssize_t>(text.size());
}

}  // namespace blobvalet::fcgi
