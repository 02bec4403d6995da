#include "fcgi/key_survey.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "core/key_renewal.hpp"

namespace blobvalet::fcgi {
namespace {

UtcSeconds last_changed(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return {};
  return UtcSeconds(std::chrono::seconds(status.st_mtim.tv_sec));
}

std::optional<KeySource> source_of(const Account& account, KeyRole role) {
  if (role == KeyRole::user_delegation) return std::nullopt;
  return role == KeyRole::next ? account.next_key : account.current_key;
}

std::string renewal_failure(const std::optional<KeyStatus>& status, const std::string& account) {
  if (!status) return {};
  const auto failure = std::ranges::find(status->failures, account, &KeyStatus::Failure::account);
  return failure == status->failures.end() ? std::string() : failure->reason;
}

}  // namespace

KeySurvey::KeySurvey(const ConfigFile& config, const std::filesystem::path& config_file)
    : config_(config.config), config_file_(config_file) {
  const KeyDirectory directory(config_.keys.directory);
  KeyLoader loader(config_file.parent_path());
  for (const Account& account : config_.accounts) {
    std::string fault;
    AccountKeys keys;
    if (account.identity) {
      keys.current = loader.load_delegation_key(account.name, directory);
      if (keys.current == nullptr) fault = "there is no user delegation key yet";
    } else {
      keys.current = loader.load_key(account.current_key, fault);
    }
    faults_.push_back(std::exchange(fault, {}));
    if (account.next_key) {
      keys.next = loader.load_key(*account.next_key, fault);
      faults_.push_back(std::move(fault));
    }
    keys_.push_back(std::move(keys));
  }
  known_ = known_keys(config_.accounts, keys_);
  ledger_ = LedgerFile::open_to_read(config_.keys.directory);
  status_ = directory.read_status();
}

KeyReport KeySurvey::report(UtcSeconds now) const {
  KeyReport report;
  report.now = now;
  report.has_ledger = ledger_ != nullptr;
  for (std::size_t i = 0; i < known_.size(); ++i)
    report.keys.push_back(describe_key(i, now));
  return report;
}

KeyReport::Key KeySurvey::describe_key(std::size_t index, UtcSeconds now) const {
  const KnownKey& known = known_[index];
  const Account& account = config_.accounts[known.account];
  KeyReport::Key key;
  key.account = account.name;
  key.role = known.role;
  key.in_use = known.in_use;
  key.source = source_of(account, known.role);
  key.fault = faults_[index];
  if (known.role == KeyRole::user_delegation) key.renewal_failure = renewal_failure(status_, account.name);
  const auto since = ledger_ ? std::optional(ledger_->since()) : std::nullopt;
  std::optional<UtcSeconds> noted;
  if (known.key != nullptr) {
    const KeyFingerprint fingerprint(*known.key);
    key.fingerprint = fingerprint.text();
    if (ledger_) noted = ledger_->last_expiry(fingerprint);
    const auto* delegation = std::get_if<UserDelegationKey>(known.key);
    if (delegation != nullptr) key.valid_until = delegation->not_after;
  }
  // Nobody can look up what a key has signed that cannot be read here.
  key.signed_until = SignedUntil::from(noted, known.key == nullptr ? std::nullopt : since,
                                       longest_sas(config_, known.account), now);
  return key;
}

void KeySurvey::conclude(KeyReport& report) const {
  const bool is_fresh = status_ && !status_->is_stale(report.now);
  report.conclude(is_fresh ? status_->clock_skew : std::nullopt, last_changed(config_file_));
}

}  // namespace blobvalet::fcgi
