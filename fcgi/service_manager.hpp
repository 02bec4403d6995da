#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

/// Tells systemd how this process is, by the protocol of sd_notify(3), which is documented as stable and
/// meant to be spoken without libsystemd. That library would bring lzma, zstd, lz4 and gcrypt into the one
/// process that holds account keys.
///
/// Without systemd all of it does nothing.
class ServiceManager {
 public:
  /// Takes what is to be told to whom from the environment, and wipes it there: no child shall speak for us.
  ServiceManager();

  /// Has the descriptor kept while this service is replaced by its next process, however this one ends, and
  /// no longer (FileDescriptorStoreMax=1).
  void keep(int fd) const;
  /// The descriptor that the process before this one has had kept; invalid: none.
  [[nodiscard]] FileDescriptor take_kept() { return std::exchange(kept_, FileDescriptor()); }

  /// Serves from now on, or again after reloading().
  void ready(std::string_view status) const;
  /// Reads its configuration again; ready() follows.
  void reloading() const;
  /// Takes no more work, and may take a while for what it has begun.
  void stopping() const;
  /// Is alive, and how it does, as `systemctl status` shows it.
  void alive(std::string_view status) const;

  /// How long systemd waits for alive() before it kills this process; nothing if it does not.
  [[nodiscard]] std::optional<std::chrono::milliseconds> watchdog() const { return watchdog_; }

 private:
  void send(const std::string& message, int fd = -1) const;

  std::string socket_;
  FileDescriptor kept_;
  std::optional<std::chrono::milliseconds> watchdog_;
};

}  // namespace blobvalet::fcgi
