#include "fcgi/file_watch.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace blobvalet::fcgi {
namespace {

namespace fs = std::filesystem;

// Not IN_MODIFY: a file that is being written is looked at when the writer closes it.
constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB;

/// The directory of `file`; while there is none, the closest one above, where it may appear.
fs::path existing_directory_of(const fs::path& file) {
  std::error_code ignored;
  fs::path directory = fs::absolute(file, ignored).parent_path();
  while (!fs::is_directory(directory, ignored) && directory.has_relative_path())
    directory = directory.parent_path();
  return directory;
}

}  // namespace

FileWatch::FileWatch() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!inotify_.valid()) throw std::runtime_error("the kernel gives no inotify");
}

void FileWatch::watch(SeenFiles files) {
  files_ = std::move(files);
  watch_directories();
}

bool FileWatch::has_changed() {
  std::array<char, 4096> events{};
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
  // A directory may have been made, or a link may lead elsewhere; before the look, so that nothing gets
  // between.
  watch_directories();
  return std::ranges::any_of(files_,
                             [](const auto& seen) { return FileState::of(seen.first) != seen.second; });
}

/// The directory that the name stands in, and the one that it leads to. Adding one twice does nothing; one
/// that is needed no more only wakes in vain.
void FileWatch::watch_directories() {
  for (const auto& [file, state] : files_) {
    std::error_code error;
    const fs::path target = fs::canonical(file, error);
    ::inotify_add_watch(inotify_.get(), existing_directory_of(file).c_str(), kEvents);
    if (!error) ::inotify_add_watch(inotify_.get(), target.parent_path().c_str(), kEvents);
  }
}

}  // namespace blobvalet::fcgi
