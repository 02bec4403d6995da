#pragma once
#include <filesystem>
#include <memory>
#include <vector>

#include "core/key_report.hpp"
#include "fcgi/adapters/shared_ledger.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/key_loader.hpp"

namespace blobvalet::fcgi {

/// Looks at the keys of one configuration, for commands that an operator types. A key that cannot be read
/// here (its environment variable or systemd credential is there for the workers only) does not keep the
/// others from being looked at.
class KeySurvey {
 public:
  KeySurvey(const ConfigFile& config, const std::filesystem::path& config_file);

  /// What is known without asking anybody.
  [[nodiscard]] KeyReport report(UtcSeconds now) const;
  /// Asks Azure about the keys for which `wanted` is true.
  template <class Wanted>
  void ask(KeyReport& report, KeyProbe& probe, Wanted wanted) const {
    for (std::size_t i = 0; i < known_.size(); ++i) {
      if (known_[i].key != nullptr && wanted(report.keys[i]))
        report.keys[i].verdict = probe.ask(config_, known_[i].account, *known_[i].key);
    }
  }
  /// As KeyReport::conclude().
  void conclude(KeyReport& report) const;

 private:
  [[nodiscard]] KeyReport::Key describe_key(std::size_t index, UtcSeconds now) const;

  const Config& config_;
  const std::filesystem::path config_file_;
  std::vector<AccountKeys> keys_;
  std::vector<std::string> faults_;  ///< of each of known_
  std::vector<KnownKey> known_;
  std::unique_ptr<const LedgerFile> ledger_;
  std::optional<KeyStatus> status_;
};

}  // namespace blobvalet::fcgi
