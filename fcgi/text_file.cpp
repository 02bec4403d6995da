#include "fcgi/text_file.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>

namespace blobvalet::fcgi {

std::optional<std::string> read_text_file(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {  // a stream would open it, and throw
    errno = EISDIR;
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open()) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace blobvalet::fcgi
