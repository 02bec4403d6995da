#include "fcgi/file_state.hpp"

#include <sys/stat.h>

namespace blobvalet::fcgi {

FileState FileState::of(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
}

bool FileState::operator==(const FileState& other) const {
  const auto same = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  return device == other.device && inode == other.inode && size == other.size &&
         same(modified, other.modified) && same(changed, other.changed);
}

SeenFiles look_again(SeenFiles files) {
  for (auto& [file, state] : files)
    state = FileState::of(file);
  return files;
}

}  // namespace blobvalet::fcgi
