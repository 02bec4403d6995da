#include "fcgi/replace_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "fcgi/file_descriptor.hpp"
#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path) {
  throw std::runtime_error(path.string() + ": " + std::strerror(errno));
}

/// A new file beside the one that it is to replace; removed unless it has done that.
class Draft {
 public:
  explicit Draft(const fs::path& file)
      : path_(file.parent_path() / ("." + file.filename().string() + ".XXXXXX")) {
    fd_ = FileDescriptor(::mkostemp(path_.data(), O_CLOEXEC));
    if (!fd_.valid()) fail(path_);
  }
  ~Draft() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  Draft(Draft&&) = delete;
  Draft& operator=(Draft&&) = delete;

  void write(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::write(fd_.get(), text.data(), text.size());
      if (n < 0) fail(path_);
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// Owner before mode: a change of owner takes rights away.
  void look_like(const struct stat& status) {
    if (::fchown(fd_.get(), status.st_uid, status.st_gid) != 0) fail(path_);
    if (::fchmod(fd_.get(), status.st_mode & 07777U) != 0) fail(path_);
  }
  void take_the_place_of(const fs::path& file) {
    if (::fsync(fd_.get()) != 0) fail(path_);
    if (::rename(path_.c_str(), file.c_str()) != 0) fail(file);
    path_.clear();
  }

 private:
  std::string path_;
  FileDescriptor fd_;
};

/// After a loss of power the new name counts, too. Some file systems do not let a directory be synced.
void sync_directory(const fs::path& directory) {
  const FileDescriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.valid()) (void)::fsync(fd.get());
}

}  // namespace

void replace_file(const fs::path& file, std::string_view before, std::string_view after) {
  const fs::path target = fs::canonical(file);
  struct stat status {};
  if (::stat(target.c_str(), &status) != 0) fail(target);
  Draft draft(target);
  draft.write(after);
  draft.look_like(status);
  if (read_text_file(target) != before)
    throw std::runtime_error(target.string() + ": has been changed meanwhile, so it was left alone");
  draft.take_the_place_of(target);
  sync_directory(target.parent_path());
}

}  // namespace blobvalet::fcgi
