#pragma once
#include "fcgi/file_descriptor.hpp"
#include "fcgi/file_state.hpp"

namespace blobvalet::fcgi {

/// Tells when one of a set of files has changed: was written, replaced, made, removed, or given other rights,
/// be it directly or by way of a symbolic link to another directory (as Kubernetes replaces its volumes).
///
/// inotify(7) wakes; what has changed is told by comparing, so that other files beside them do not matter.
class FileWatch {
 public:
  /// Throws std::runtime_error if the kernel gives no inotify.
  FileWatch();

  /// Watches these files from now on, in place of those before. They need not exist, nor their directories.
  void watch(SeenFiles files);
  /// Readable when has_changed() should be called.
  [[nodiscard]] int fd() const { return inotify_.get(); }
  /// True if one of the files is not as it was when it was seen.
  [[nodiscard]] bool has_changed();

 private:
  void watch_directories();

  FileDescriptor inotify_;
  SeenFiles files_;
};

}  // namespace blobvalet::fcgi
