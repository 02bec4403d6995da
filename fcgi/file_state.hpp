#pragma once
#include <sys/types.h>

#include <ctime>
#include <filesystem>
#include <map>

namespace blobvalet::fcgi {

/// What tells one state of a file from the next. Links are followed.
struct FileState {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = -1;  ///< -1: there is no such file
  timespec modified = {};
  timespec changed = {};

  [[nodiscard]] static FileState of(const std::filesystem::path& file);
  [[nodiscard]] bool operator==(const FileState& other) const;
};

/// Files that were read, or looked for, as they were just before that.
using SeenFiles = std::map<std::filesystem::path, FileState>;

/// The same files as they are now.
[[nodiscard]] SeenFiles look_again(SeenFiles files);

}  // namespace blobvalet::fcgi
