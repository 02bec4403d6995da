#include "fcgi/file_watch.hpp"

#include <sys/inotify.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "fcgi/log.hpp"

namespace blobvalet::fcgi {
namespace {

namespace fs = std::filesystem;

// Not IN_MODIFY: a file that is being written is looked at when the writer closes it.
constexpr std::uint32_t kEvents =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB;

// Of the directories on the way to a file: others may be put in their place.
constexpr std::uint32_t kMoves = IN_MOVE_SELF | IN_DELETE_SELF;

constexpr unsigned kMostLinks = 40;  // path_resolution(7)

fs::file_type type_of(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type();
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

void FileWatch::watch_directories() {
  for (const auto& [file, state] : files_) {
    std::error_code error;
    watch_way_to(fs::absolute(file, error), 0);
  }
}

/// Watches where a name may appear or lead elsewhere: the directory of the file, that of each link on the
/// way, and that of the first name that is missing. Watching one twice does nothing; one that is needed no
/// more only wakes in vain.
void FileWatch::watch_way_to(const fs::path& file, unsigned links) {
  fs::path way;
  for (auto part = file.begin(); part != file.end(); ++part) {
    const fs::path directory = std::exchange(way, way / *part);
    auto type = type_of(way);
    if (type != fs::file_type::directory) {
      add(directory, kEvents);
      type = type_of(way);  // it may have been made just now
    }
    if (type == fs::file_type::symlink && links < kMostLinks) {
      std::error_code error;
      fs::path target = directory / fs::read_symlink(way, error);
      while (++part != file.end())
        target /= *part;
      return watch_way_to(target, links + 1);
    }
    if (type != fs::file_type::directory) return;
    add(way, kMoves);
  }
}

/// A directory may go at any moment, and is watched by way of the one above then. That the kernel has no
/// watch left, somebody has to hear, since changes go unnoticed from now on.
void FileWatch::add(const fs::path& directory, std::uint32_t events) {
  const int watch = ::inotify_add_watch(inotify_.get(), directory.c_str(), events | IN_MASK_ADD | IN_ONLYDIR);
  if (watch >= 0 || errno != ENOSPC || std::exchange(has_told_, true)) return;
  Log::notice(
      "not_watched",
      directory.string() + ": changes need SIGHUP, because sysctl fs.inotify.max_user_watches is too low");
}

}  // namespace blobvalet::fcgi
