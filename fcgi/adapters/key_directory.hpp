#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "core/delegation_key_text.hpp"
#include "core/key_status.hpp"

namespace blobvalet::fcgi {

/// The directory, below /run and so in memory, by which `blobvalet keys renew` hands user delegation keys to
/// the workers of its machine. A key is a file of mode 0400 that is replaced at once: whoever reads one finds
/// the old key or the new one, whole. Workers need no network, no socket and nobody's help for it, also to
/// start.
class KeyDirectory {
 public:
  explicit KeyDirectory(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path key_file(const std::string& account) const;
  [[nodiscard]] std::filesystem::path status_file() const { return path_ / "status.json"; }
  /// The last sound configuration, as text.
  [[nodiscard]] std::filesystem::path configuration_file() const { return path_ / "configuration.json"; }
  /// Who holds it is the one that renews keys on this machine.
  [[nodiscard]] std::filesystem::path lock_file() const { return path_ / "lock"; }

  /// The account's key; nothing, with `fault` filled unless there is no file at all, if it cannot be read,
  /// others than its owner could have written or read it, or it is no such key.
  [[nodiscard]] std::optional<DelegationKeyText> read_key(const std::string& account,
                                                          std::string& fault) const;
  [[nodiscard]] std::optional<KeyStatus> read_status() const;
  /// The last sound configuration that the renewing process has read; nothing unless that process is alive,
  /// since it may be any old one then.
  [[nodiscard]] std::optional<std::string> read_configuration() const;

  // The writing side. All throw std::runtime_error, with what failed, if the disk or the directory's rights
  // do not let them.

  /// Makes the directory, mode 0700, unless it is there.
  void create() const;
  void write_key(const std::string& account, const SecretBytes& text) const;
  void write_status(const KeyStatus& status) const;
  void write_configuration(std::string_view text) const;
  /// Removes the keys of all accounts for which `keep` is false.
  template <class Keep>
  void remove_keys(Keep keep) const {
    for (const std::string& account : accounts()) {
      if (!keep(account)) std::filesystem::remove(key_file(account));
    }
  }

 private:
  [[nodiscard]] bool is_locked() const;
  [[nodiscard]] std::vector<std::string> accounts() const;
  void replace(const std::filesystem::path& file, std::span<const unsigned char> bytes, mode_t mode) const;

  std::filesystem::path path_;
};

}  // namespace blobvalet::fcgi
