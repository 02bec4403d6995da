#include "fcgi/key_loader.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/file_descriptor.hpp"
#include "fcgi/log.hpp"

namespace blobvalet::fcgi {
namespace {

// A key takes 88 characters; a longer file is something else.
constexpr std::size_t kMaxKeyFileBytes = 4096;

bool is_regular(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

std::shared_ptr<const SigningKey> parse_key(std::string_view text, std::string& message) {
  auto key = AccountKey::parse(text);
  if (key) return std::make_shared<const SigningKey>(std::move(*key));
  message = "holds no storage account key: " + std::to_string(text.size()) +
            " characters that are not base64 of a key";
  return nullptr;
}

/// The end of the member's name, behind `key_` or `secret_`.
const char* suffix_of(KeySource::Kind kind) {
  switch (kind) {
    case KeySource::Kind::file: return "file";
    case KeySource::Kind::environment: return "env";
    case KeySource::Kind::credential: return "credential";
  }
  return "";
}

}  // namespace

std::vector<AccountKeys> KeyLoader::load(const std::vector<Account>& accounts, const KeyDirectory& shared,
                                         ConfigFaults& faults) {
  forget_others(accounts, shared);
  std::vector<AccountKeys> all;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const auto load_or_report = [&](const KeySource& source) -> std::shared_ptr<const SigningKey> {
      std::string message;
      auto key = load_key(source, message);
      const std::string place =
          "accounts[" + std::to_string(i) + "].credential: key_" + suffix_of(source.kind);
      if (key == nullptr) faults.push_back({place, message});
      return key;
    };
    const Account& account = accounts[i];
    AccountKeys keys;
    keys.current =
        account.identity ? load_delegation_key(account.name, shared) : load_or_report(account.current_key);
    if (account.next_key) keys.next = load_or_report(*account.next_key);
    if (!account.identity) keys.current_changed = changed(account.current_key);
    if (account.next_key) keys.next_changed = changed(*account.next_key);
    all.push_back(std::move(keys));
  }
  return all;
}

/// A systemd credential is a copy, made when the worker was started.
std::optional<UtcSeconds> KeyLoader::changed(const KeySource& source) const {
  if (source.kind != KeySource::Kind::file) return std::nullopt;
  const auto seen = seen_.find(directory_ / source.name);
  if (seen == seen_.end() || seen->second.size < 0) return std::nullopt;
  return UtcSeconds(std::chrono::seconds(seen->second.modified.tv_sec));
}

/// Nothing: it is in no file.
std::optional<std::filesystem::path> KeyLoader::path_of(const KeySource& source) const {
  if (source.kind == KeySource::Kind::file) return directory_ / source.name;
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (source.kind != KeySource::Kind::credential || credentials == nullptr) return std::nullopt;
  return std::filesystem::path(credentials) / source.name;
}

std::shared_ptr<const SigningKey> KeyLoader::load_key(const KeySource& source, std::string& message) {
  const Text text = load_text(source, message);
  return text ? parse_key(reveal_text(*text), message) : nullptr;
}

std::shared_ptr<const SigningKey> KeyLoader::load_delegation_key(const std::string& account,
                                                                 const KeyDirectory& shared) {
  const auto file = shared.key_file(account);
  seen_.emplace(file, FileState::of(file));
  std::string fault;
  auto read = shared.read_key(account, fault);
  if (!fault.empty()) Log::notice("bad_delegation_key", fault);
  auto& last = delegation_keys_[file];
  if (read) last = std::make_shared<const SigningKey>(std::move(read->key));
  return last;
}

void KeyLoader::forget_others(const std::vector<Account>& accounts, const KeyDirectory& shared) {
  std::erase_if(delegation_keys_, [&](const auto& last) {
    return std::ranges::none_of(accounts, [&](const Account& account) {
      return account.identity && shared.key_file(account.name) == last.first;
    });
  });
}

std::vector<KeyLoader::Text> KeyLoader::load_client_secrets(const std::vector<Account>& accounts,
                                                            ConfigFaults& faults) {
  std::vector<Text> all;
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    const bool has_one = accounts[i].identity && accounts[i].identity->client_secret;
    const std::string path = "accounts[" + std::to_string(i) + "].credential";
    all.push_back(has_one ? load_client_secret(*accounts[i].identity->client_secret, path, faults) : nullptr);
  }
  return all;
}

KeyLoader::Text KeyLoader::load_client_secret(const KeySource& source, const std::string& path,
                                              ConfigFaults& faults) {
  std::string message;
  const Text text = load_text(source, message);
  if (text != nullptr) {
    auto secret = std::make_shared<const SecretBytes>(trimmed(*text));
    if (secret->size() > 0) return secret;
    message = "is empty";
  }
  faults.push_back({path + ".secret_" + suffix_of(source.kind), message});
  return nullptr;
}

std::shared_ptr<const SecretBytes> KeyLoader::load_hook_secret(const KeySource& source,
                                                               ConfigFaults& faults) {
  constexpr std::size_t kLeastBytes = 16;
  std::string message;
  const Text text = load_text(source, message);
  if (text != nullptr) {
    auto secret = std::make_shared<const SecretBytes>(trimmed(*text));
    if (secret->size() >= kLeastBytes) return secret;
    message = "holds less than 16 bytes; make one with: openssl rand -hex 32";
  }
  faults.push_back({std::string("success.hook.secret_") + suffix_of(source.kind), message});
  return nullptr;
}

KeyLoader::Text KeyLoader::load_text(const KeySource& source, std::string& message) {
  if (source.kind == KeySource::Kind::environment) return load_environment(source.name, message);
  const auto path = path_of(source);
  if (!path) {
    message = "needs a systemd unit with LoadCredential=" + source.name + ":<file>";
    return nullptr;
  }
  const bool is_credential = source.kind == KeySource::Kind::credential;
  return load_file(*path, is_credential ? FileGuard::systemd : FileGuard::mode, message);
}

/// What is wrong with an open key file; empty: nothing.
std::string KeyLoader::objection(int fd, FileGuard guard) {
  if (guard == FileGuard::mode) return objection_to(fd);
  return is_regular(fd) ? "" : "is not a regular file";
}

KeyLoader::Text KeyLoader::load_file(const std::filesystem::path& path, FileGuard guard,
                                     std::string& message) {
  seen_.emplace(path, FileState::of(path));
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    message = std::string("cannot be opened: ") + std::strerror(errno);
    return nullptr;
  }
  message = objection(file.get(), guard);
  if (!message.empty()) return nullptr;
  auto bytes = read_secret(file.get(), kMaxKeyFileBytes);
  if (bytes) return std::make_shared<const SecretBytes>(std::move(*bytes));
  message = "cannot be read, or is too long for a key";
  return nullptr;
}

KeyLoader::Text KeyLoader::load_environment(const std::string& name, std::string& message) {
  if (const auto known = from_environment_.find(name); known != from_environment_.end()) return known->second;
  char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    message = "the environment has no variable of this name";
    return nullptr;
  }
  const std::string_view text(value);
  SecretBytes bytes(text.size());
  std::ranges::copy(text, bytes.reveal_mutable().begin());
  OPENSSL_cleanse(value, text.size());
  return from_environment_.emplace(name, std::make_shared<const SecretBytes>(std::move(bytes))).first->second;
}

}  // namespace blobvalet::fcgi
