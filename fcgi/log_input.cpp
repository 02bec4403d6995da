#include "fcgi/log_input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace blobvalet::fcgi {
namespace {

constexpr std::size_t kBlock = 1U << 18U;
constexpr std::size_t kLongestArgument = 16U << 20U;

[[noreturn]] void fail(const std::string& file) {
  throw std::runtime_error(file + ": cannot be read: " + std::strerror(errno));
}

FileDescriptor open_file(const std::string& file) {
  FileDescriptor fd(file == "-" ? ::dup(STDIN_FILENO) : ::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) fail(file);
  return fd;
}

/// Appends up to a block; the number of bytes, 0 at the end.
std::size_t read_block(const FileDescriptor& fd, std::string& out, const std::string& file) {
  const std::size_t size = out.size();
  out.resize(size + kBlock);
  ssize_t got = 0;
  do {
    got = ::read(fd.get(), out.data() + size, kBlock);
  } while (got < 0 && errno == EINTR);
  if (got < 0) fail(file);
  out.resize(size + static_cast<std::size_t>(got));
  return static_cast<std::size_t>(got);
}

bool is_file(const std::string& name) {
  struct stat status {};
  return ::stat(name.c_str(), &status) == 0;
}

}  // namespace

bool LogInput::open_next() {
  if (file_ == files_.size()) return false;
  open_ = open_file(files_[file_++]);
  return true;
}

/// Reads on in the open file; false at its end.
bool LogInput::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  seen_ = buffer_.size();
  return read_block(open_, buffer_, files_[file_ - 1]) > 0;
}

bool LogInput::next(std::string_view& line) {
  while (true) {
    const std::size_t end = buffer_.find('\n', std::max(begin_, seen_));
    if (end != std::string::npos) {
      line = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = seen_ = end + 1;
      ++lines_;
      return true;
    }
    if (open_.valid() && fill()) continue;
    open_ = FileDescriptor();
    if (begin_ < buffer_.size()) {  // a last line without line feed
      line = std::string_view(buffer_).substr(begin_);
      begin_ = seen_ = buffer_.size();
      ++lines_;
      return true;
    }
    if (!open_next()) return false;
  }
}

std::string read_argument(const std::string& text) {
  if (text != "-" && !is_file(text)) return text;
  const FileDescriptor file = open_file(text);
  std::string all;
  while (read_block(file, all, text) > 0) {
    if (all.size() > kLongestArgument) throw std::runtime_error(text + ": is larger than 16 MiB");
  }
  return all;
}

}  // namespace blobvalet::fcgi
