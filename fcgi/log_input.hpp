#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

/// The lines of files one after the other; `-` is standard input. Only one block and the longest line are in
/// memory at a time.
class LogInput {
 public:
  explicit LogInput(std::vector<std::string> files) : files_(std::move(files)) {}

  /// The next line, without its line feed; false at the end of the last file. The view lives until the next
  /// call. Throws std::runtime_error, with the file's name, if one cannot be read.
  [[nodiscard]] bool next(std::string_view& line);
  [[nodiscard]] std::uint64_t lines() const { return lines_; }

 private:
  [[nodiscard]] bool open_next();
  [[nodiscard]] bool fill();

  std::vector<std::string> files_;
  std::size_t file_ = 0;  ///< the next to open
  FileDescriptor open_;
  std::string buffer_;
  std::size_t begin_ = 0;  ///< of what has not been handed out
  std::size_t seen_ = 0;   ///< up to where there is no line feed behind `begin_`
  std::uint64_t lines_ = 0;
};

/// All of a file, `-` being standard input, or of `text` if there is no such file. Throws std::runtime_error
/// if it cannot be read or is larger than 16 MiB.
[[nodiscard]] std::string read_argument(const std::string& text);

}  // namespace blobvalet::fcgi
