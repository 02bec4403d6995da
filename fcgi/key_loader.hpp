#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/site.hpp"
#include "fcgi/adapters/key_directory.hpp"
#include "fcgi/file_state.hpp"

namespace blobvalet::fcgi {

/// Loads account keys, and the hook's secret, from where the configuration says they are.
class KeyLoader {
 public:
  using Text = std::shared_ptr<const SecretBytes>;

  /// Relative key files are relative to `directory`, that of the configuration file.
  explicit KeyLoader(std::filesystem::path directory) : directory_(std::move(directory)) {}

  /// The keys of all accounts, in their order; faults are appended, and never hold a byte of a key. Those of
  /// identities are what `blobvalet keys renew` has put into `shared`: none is no fault, since it may come at
  /// any time.
  [[nodiscard]] std::vector<AccountKeys> load(const std::vector<Account>& accounts,
                                              const KeyDirectory& shared, ConfigFaults& faults);

  /// One account key; null, with the reason in `message`, if there is none.
  [[nodiscard]] std::shared_ptr<const SigningKey> load_key(const KeySource& source, std::string& message);

  /// The account's user delegation key; the last one, which says itself how long it is good for, if `shared`
  /// has it no more or (logged) holds something else now; null if there has been none.
  [[nodiscard]] std::shared_ptr<const SigningKey> load_delegation_key(const std::string& account,
                                                                      const KeyDirectory& shared);

  /// The secret that messages to the hook are signed with: what the source holds without the white space
  /// around it, 16 bytes at least. Null, with a fault appended, if there is none.
  [[nodiscard]] std::shared_ptr<const SecretBytes> load_hook_secret(const KeySource& source,
                                                                    ConfigFaults& faults);

  /// The secrets of application registrations, which only `blobvalet keys renew` needs, for each account;
  /// null where there is none.
  [[nodiscard]] std::vector<Text> load_client_secrets(const std::vector<Account>& accounts,
                                                      ConfigFaults& faults);

  /// The files that were read or looked for since this was last called.
  [[nodiscard]] SeenFiles take_seen() { return std::exchange(seen_, {}); }

 private:
  /// systemd guards its credentials itself, some with an access list that shows in the mode as the group's
  /// right.
  enum class FileGuard : std::uint8_t { mode, systemd };
  [[nodiscard]] static std::string objection(int fd, FileGuard guard);
  /// Forgets the user delegation keys of all other accounts and directories.
  void forget_others(const std::vector<Account>& accounts, const KeyDirectory& shared);
  [[nodiscard]] Text load_client_secret(const KeySource& source, const std::string& path,
                                        ConfigFaults& faults);
  [[nodiscard]] std::optional<std::filesystem::path> path_of(const KeySource& source) const;
  /// When the file was changed that has just been read; nothing if it was none.
  [[nodiscard]] std::optional<UtcSeconds> changed(const KeySource& source) const;
  /// What the source holds, or in `message` why there is nothing.
  [[nodiscard]] Text load_text(const KeySource& source, std::string& message);
  [[nodiscard]] Text load_file(const std::filesystem::path& path, FileGuard guard, std::string& message);
  [[nodiscard]] Text load_environment(const std::string& name, std::string& message);

  std::filesystem::path directory_;
  /// An environment variable is overwritten once it is read, so that /proc/<pid>/environ does not show it; a
  /// reload finds its text here.
  std::map<std::string, Text> from_environment_;
  std::map<std::filesystem::path, std::shared_ptr<const SigningKey>> delegation_keys_;  ///< by their files
  SeenFiles seen_;
};

/// Calls `load`, which reads `config_file` and uses `keys`, and leaves in `seen` the files that matter to its
/// outcome. While the configuration is faulty, those of the last sound one still count, as they are now: one
/// whose change cannot be taken up would else be news for ever.
template <class Load>
[[nodiscard]] auto load_and_see(const std::filesystem::path& config_file, KeyLoader& keys, SeenFiles& seen,
                                Load load) {
  const FileState config = FileState::of(config_file);
  SeenFiles before = look_again(seen);
  auto loaded = load();
  seen = keys.take_seen();
  if (!loaded) seen.merge(before);
  seen.insert_or_assign(config_file, config);
  return loaded;
}

}  // namespace blobvalet::fcgi
