#pragma once
#include <filesystem>
#include <functional>
#include <memory>

#include "core/config_fault.hpp"
#include "core/site.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/key_loader.hpp"

namespace blobvalet::fcgi {

/// Reads the configuration file and the keys that it names, as often as asked.
class SiteLoader {
 public:
  /// Says what else keeps a configuration from being used here.
  using Check = std::function<ConfigFaults(const Config&)>;

  explicit SiteLoader(std::filesystem::path config_file, Check check = {});

  /// A new Site, or every fault of the configuration and the keys.
  [[nodiscard]] tl::expected<std::shared_ptr<const Site>, ConfigFaults> load();
  /// What to use in place of `site`, the last that was made, while the configuration file is faulty; null:
  /// `site`. It is the last sound configuration that `blobvalet keys renew` has read, so that all workers of
  /// a machine use the same one, even if a sound file was there for a moment that only some of them have
  /// seen. Without that process it is `site` itself with the user delegation keys of now, which a faulty file
  /// must not keep away.
  [[nodiscard]] std::shared_ptr<const Site> instead_of_faulty(const Site& site);
  /// The same for a worker that has just started, and knows of no directory but the usual one; null: there is
  /// none.
  [[nodiscard]] std::shared_ptr<const Site> instead_of_faulty();
  /// The files that the last load() read or looked for: a Site may differ if one of them changes.
  [[nodiscard]] const SeenFiles& seen() const { return seen_; }

 private:
  using Loaded = tl::expected<std::shared_ptr<const Site>, ConfigFaults>;
  [[nodiscard]] Loaded make_site(tl::expected<ConfigFile, ConfigFaults> file);
  [[nodiscard]] std::shared_ptr<const Site> last_sound(const KeyDirectory& shared);
  [[nodiscard]] std::shared_ptr<const Site> with_new_delegation_keys(const Site& site);

  std::filesystem::path config_file_;
  Check check_;
  KeyLoader keys_;
  SeenFiles seen_;
  std::string good_text_;  ///< of the configuration that a Site was made from last
  std::shared_ptr<const SecretBytes> good_hook_secret_;
};

}  // namespace blobvalet::fcgi
