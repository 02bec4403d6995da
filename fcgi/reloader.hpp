#pragma once
#include <memory>

#include "core/site.hpp"
#include "fcgi/file_watch.hpp"
#include "fcgi/process_state.hpp"
#include "fcgi/site_loader.hpp"

namespace blobvalet::fcgi {

/// Reads configuration and keys again, and says in log and health how that went.
class Reloader {
 public:
  /// `site` is what `loader` has loaded just before. All arguments outlive it.
  Reloader(SiteLoader& loader, std::shared_ptr<const Site> site, FileWatch& files, ProcessState& state);

  /// The new Site; null: the old one stays.
  [[nodiscard]] std::shared_ptr<const Site> operator()(ReloadCause cause);

 private:
  void note_failure(const ConfigFaults& faults, ReloadCause cause);
  void count_load(bool is_sound, bool is_reload);

  SiteLoader& loader_;
  FileWatch& files_;
  ProcessState& state_;
  std::shared_ptr<const Site> site_;
};

}  // namespace blobvalet::fcgi
