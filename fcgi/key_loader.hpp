#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/site.hpp"

namespace blobvalet::fcgi {

/// Loads account keys from where the configuration says they are.
class KeyLoader {
 public:
  /// Relative key files are relative to `directory`, that of the configuration file.
  explicit KeyLoader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// The keys of all accounts, in their order; faults are appended, and never hold a byte of a key.
  [[nodiscard]] std::vector<AccountKeys> load(const std::vector<Account>& accounts, ConfigFaults& faults);

 private:
  using Key = std::shared_ptr<const SigningKey>;
  /// The key, or in `message` why there is none.
  [[nodiscard]] Key load_one(const KeySource& source, std::string& message);
  [[nodiscard]] Key load_environment(const std::string& name, std::string& message);

  std::filesystem::path directory_;
  /// An environment variable is overwritten once it is read, so that /proc/<pid>/environ does not show it; a
  /// reload finds its key here.
  std::map<std::string, Key> from_environment_;
};

}  // namespace blobvalet::fcgi
