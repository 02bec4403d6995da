#include "fcgi/file_warnings.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

namespace blobvalet::fcgi {
namespace {

using std::filesystem::path;

std::optional<struct stat> status_of(const path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return std::nullopt;
  return status;
}

/// The directories above a file, the root last.
std::vector<path> directories_above(const path& file) {
  std::vector<path> directories;
  for (path directory = file.parent_path();; directory = directory.parent_path()) {
    directories.push_back(directory);
    if (directory == directory.parent_path()) return directories;
  }
}

bool is_foreign(const struct stat& status) {
  return status.st_uid != 0 && status.st_uid != ::geteuid();
}

/// True if everybody may pass through all directories on the way.
bool is_in_reach_of_all(const path& file) {
  return std::ranges::all_of(directories_above(file), [](const path& directory) {
    const auto status = status_of(directory);
    return status && (status->st_mode & S_IXOTH) != 0;
  });
}

class Collector {
 public:
  void look_at_config(const path& file) {
    const auto status = status_of(file);
    if (!status) return;
    if ((status->st_mode & S_IROTH) != 0 && is_in_reach_of_all(file)) {
      warn("config_readable", file, "everybody on this machine can read who may upload what",
           "chown root:blobvalet and chmod 0640");
    }
    look_at_writers(*status, file, "config_writable", "whoever changes it decides who may upload what");
    look_at_directories(file);
  }

  /// A secret that is read without looking at its mode.
  void look_at_secret(const path& file) {
    if (file.empty()) return;
    const auto status = status_of(file);
    if (!status) return;
    if ((status->st_mode & S_IROTH) != 0 && is_in_reach_of_all(file)) {
      warn("secret_readable", file, "everybody on this machine can read this secret", "chmod 0600");
    }
    look_at_writers(*status, file, "secret_writable", "others can put another secret in its place");
    look_at_directories(file);
  }

  /// Of a key, whose mode is looked at when it is loaded.
  void look_at_directories(const path& file) {
    for (const path& directory : directories_above(file)) {
      const auto status = status_of(directory);
      // In a sticky directory nobody can replace the files of others.
      if (!status || (status->st_mode & S_ISVTX) != 0) continue;
      look_at_writers(
          *status, directory, "directory_writable",
          "whoever can write here can put other files in the place of " + file.filename().string());
    }
  }

  Warnings warnings;

 private:
  void look_at_writers(const struct stat& status, const path& file, const char* code,
                       const std::string& consequence) {
    const bool by_others = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (by_others) warn(code, file, "others than its owner can write it: " + consequence, "chmod go-w");
    if (!by_others && is_foreign(status)) {
      warn(code, file, "belongs to user " + std::to_string(status.st_uid) + ": " + consequence,
           "chown it to root");
    }
  }

  void warn(const char* code, const path& file, std::string what, std::string mend) {
    Warning warning{code, file.string(), std::move(what), std::move(mend)};
    const auto is_same = [&](const Warning& w) { return w.code == warning.code && w.field == warning.field; };
    if (std::ranges::none_of(warnings, is_same)) warnings.push_back(std::move(warning));
  }
};

}  // namespace

Warnings file_warnings(const Config& config, const path& config_file) {
  Collector collector;
  const path file = std::filesystem::absolute(config_file).lexically_normal();
  collector.look_at_config(file);
  const auto look_at_key = [&](const std::optional<KeySource>& source) {
    if (!source || source->kind != KeySource::Kind::file || source->name.empty()) return;
    collector.look_at_directories((file.parent_path() / source->name).lexically_normal());
  };
  for (const Account& account : config.accounts) {
    if (!account.identity) look_at_key(account.current_key);
    look_at_key(account.next_key);
    collector.look_at_secret(account.requests.token_file);
    if (!account.identity) continue;
    look_at_key(account.identity->client_secret);
    collector.look_at_secret(account.identity->token_file);
  }
  const auto& hook = config.success.hook;
  if (!hook) return std::move(collector.warnings);
  look_at_key(hook->secret);
  if (hook->mode == HookOptions::Mode::async) collector.look_at_secret(hook->store.password_file);
  return std::move(collector.warnings);
}

}  // namespace blobvalet::fcgi
