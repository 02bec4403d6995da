#pragma once
#include <chrono>
#include <cstdint>

#include "fcgi/file_descriptor.hpp"
#include "fcgi/file_state.hpp"

namespace blobvalet::fcgi {

/// Why files are read once more.
enum class ReloadCause : std::uint8_t {
  news,  ///< one has changed, or somebody asked
  retry  ///< nothing is new, but it failed last: whoever was told of a fault need not hear of it again
};

/// Tells when one of a set of files has changed: was written, replaced, made, removed, or given other rights,
/// be it directly or because a directory on the way was replaced, or a symbolic link there leads to another
/// one (as Kubernetes replaces its volumes).
///
/// inotify(7) wakes; what has changed is told by comparing, so that other files beside them do not matter.
class FileWatch {
 public:
  /// How long after files were found faulty, or could not be read, they are read once more without having
  /// changed: descriptors or memory that were missing may be there again, of which no file tells.
  static constexpr std::chrono::seconds kRetryAfter{2};

  /// Throws std::runtime_error if the kernel gives no inotify.
  FileWatch();

  /// Watches these files from now on, in place of those before. They need not exist, nor their directories.
  /// What changed since they were seen does not wake: has_changed() is to be asked once.
  void watch(SeenFiles files);
  /// Readable when has_changed() should be called.
  [[nodiscard]] int fd() const { return inotify_.get(); }
  /// True if one of the files is not as it was when it was seen.
  [[nodiscard]] bool has_changed();

 private:
  void watch_directories();
  void watch_way_to(const std::filesystem::path& file, unsigned links);
  void add(const std::filesystem::path& directory, std::uint32_t events);

  FileDescriptor inotify_;
  SeenFiles files_;
  bool has_told_ = false;  ///< that a directory cannot be watched
};

}  // namespace blobvalet::fcgi
