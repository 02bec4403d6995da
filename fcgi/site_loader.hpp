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
  /// `site`, the last that load() made, with the user delegation keys of now; null if they are the same. For
  /// a faulty configuration file, which must not keep new keys away.
  [[nodiscard]] std::shared_ptr<const Site> with_new_delegation_keys(const Site& site);
  /// The files that the last load() read or looked for: a Site may differ if one of them changes.
  [[nodiscard]] const SeenFiles& seen() const { return seen_; }

 private:
  [[nodiscard]] tl::expected<std::shared_ptr<const Site>, ConfigFaults> read();

  std::filesystem::path config_file_;
  KeyLoader keys_;
  SeenFiles seen_;
  std::string good_text_;  ///< of the configuration that a Site was made from last
  std::shared_ptr<const SecretBytes> good_hook_secret_;
};

}  // namespace blobvalet::fcgi
