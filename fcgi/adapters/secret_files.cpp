#include "fcgi/adapters/secret_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

std::optional<SecretBytes> read_secret(int fd, std::size_t limit) {
  SecretBytes bytes(limit);
  std::size_t size = 0;
  ssize_t n = 0;
  while ((n = ::read(fd, bytes.reveal_mutable().data() + size, limit - size)) > 0) {
    size += static_cast<std::size_t>(n);
  }
  if (n < 0 || size == limit) return std::nullopt;
  bytes.shrink(size);
  return bytes;
}

SecretBytes trimmed(const SecretBytes& bytes) {
  const auto is_blank = [](unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  auto text = bytes.reveal();
  while (!text.empty() && is_blank(text.front()))
    text = text.subspan(1);
  while (!text.empty() && is_blank(text.back()))
    text = text.first(text.size() - 1);
  SecretBytes result(text.size());
  std::ranges::copy(text, result.reveal_mutable().begin());
  return result;
}

std::optional<SecretBytes> FileSecrets::read(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return std::nullopt;
  constexpr std::size_t kLongestToken = 16384;  // one with many claims takes a few thousand bytes
  const auto bytes = read_secret(file.get(), kLongestToken);
  if (!bytes) return std::nullopt;
  SecretBytes text = trimmed(*bytes);
  if (text.size() == 0) return std::nullopt;
  return text;
}

}  // namespace blobvalet::fcgi
