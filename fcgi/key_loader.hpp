#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/site.hpp"

namespace blobvalet::fcgi {

/// Loads account keys, and the hook's secret, from where the configuration says they are.
class KeyLoader {
 public:
  /// Relative key files are relative to `directory`, that of the configuration file.
  explicit KeyLoader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// The keys of all accounts, in their order; faults are appended, and never hold a byte of a key.
  [[nodiscard]] std::vector<AccountKeys> load(const std::vector<Account>& accounts, ConfigFaults& faults);

  /// The secret that messages to the hook are signed with: what the source holds without the white space
  /// around it, 16 bytes at least. Null, with a fault appended, if there is none.
  [[nodiscard]] std::shared_ptr<const SecretBytes> load_hook_secret(const KeySource& source,
                                                                    ConfigFaults& faults);

 private:
  using Text = std::shared_ptr<const SecretBytes>;
  /// What the source holds, or in `message` why there is nothing.
  [[nodiscard]] Text load_text(const KeySource& source, std::string& message);
  [[nodiscard]] Text load_environment(const std::string& name, std::string& message);

  std::filesystem::path directory_;
  /// An environment variable is overwritten once it is read, so that /proc/<pid>/environ does not show it; a
  /// reload finds its text here.
  std::map<std::string, Text> from_environment_;
};

}  // namespace blobvalet::fcgi
