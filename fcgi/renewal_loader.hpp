#pragma once
#include <filesystem>
#include <memory>
#include <vector>

#include "core/config.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/key_loader.hpp"

namespace blobvalet::fcgi {

/// What renewing keys needs of the configuration: the accounts' identities, and the secrets of application
/// registrations. No account key: those are not its business.
struct RenewalSetup {
  std::string text;  ///< of the configuration
  Config config;
  std::vector<std::shared_ptr<const SecretBytes>> client_secrets;  ///< of each account, null: it has none
};

/// Reads it, as often as asked.
class RenewalLoader {
 public:
  explicit RenewalLoader(std::filesystem::path config_file);

  [[nodiscard]] tl::expected<RenewalSetup, ConfigFaults> load();
  /// The last sound configuration that the process before this one has left in the usual directory, for a
  /// start while the file is faulty.
  [[nodiscard]] tl::expected<RenewalSetup, ConfigFaults> load_last_sound();
  /// The files that load() has read or looked for.
  [[nodiscard]] const SeenFiles& seen() const { return seen_; }

 private:
  [[nodiscard]] tl::expected<RenewalSetup, ConfigFaults> make_setup(
      tl::expected<ConfigFile, ConfigFaults> file);

  std::filesystem::path config_file_;
  KeyLoader keys_;
  SeenFiles seen_;
};

}  // namespace blobvalet::fcgi
