#pragma once
#include <filesystem>
#include <memory>

#include "core/config_fault.hpp"
#include "core/site.hpp"
#include "fcgi/key_loader.hpp"

namespace blobvalet::fcgi {

/// Reads the configuration file and the keys that it names, as often as asked.
class SiteLoader {
 public:
  explicit SiteLoader(std::filesystem::path config_file);

  /// A new Site, or every fault of the configuration and the keys.
  [[nodiscard]] tl::expected<std::shared_ptr<const Site>, ConfigFaults> load();

 private:
  std::filesystem::path config_file_;
  KeyLoader keys_;
};

}  // namespace blobvalet::fcgi
