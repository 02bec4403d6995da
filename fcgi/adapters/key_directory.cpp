#include "fcgi/adapters/key_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/file_descriptor.hpp"
#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKeySuffix = ".delegation-key";
constexpr std::size_t kMaxKeyFileBytes = 4096;

[[noreturn]] void fail(const fs::path& path) {
  throw std::runtime_error(path.string() + ": " + std::strerror(errno));
}

void write_all(int fd, std::span<const unsigned char> bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) fail(path);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

}  // namespace

fs::path KeyDirectory::key_file(const std::string& account) const {
  return path_ / (account + std::string(kKeySuffix));
}

std::optional<DelegationKeyText> KeyDirectory::read_key(const std::string& account,
                                                        std::string& fault) const {
  const fs::path path = key_file(account);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file.valid()) {
    if (errno != ENOENT) fault = path.string() + ": cannot be opened: " + std::strerror(errno);
    return std::nullopt;
  }
  // Whoever could write the file could make workers sign with a key of theirs.
  if (const std::string objection = objection_to(file.get()); !objection.empty()) {
    fault = path.string() + ": " + objection;
    return std::nullopt;
  }
  const auto bytes = read_secret(file.get(), kMaxKeyFileBytes);
  auto key = bytes ? DelegationKeyText::parse(reveal_text(*bytes)) : std::nullopt;
  if (!key) fault = path.string() + ": holds no user delegation key";
  return key;
}

std::optional<KeyStatus> KeyDirectory::read_status() const {
  const auto text = read_text_file(status_file());
  return text ? KeyStatus::parse(*text) : std::nullopt;
}

std::optional<std::string> KeyDirectory::read_configuration() const {
  return is_locked() ? read_text_file(configuration_file()) : std::nullopt;
}

/// Asked for a lock that others may have, too, so that nobody is kept from anything.
bool KeyDirectory::is_locked() const {
  const FileDescriptor file(::open(lock_file().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return file.valid() && ::flock(file.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

void KeyDirectory::create() const {
  if (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST) fail(path_);
}

void KeyDirectory::write_key(const std::string& account, const SecretBytes& text) const {
  replace(key_file(account), text.reveal(), 0400);
}

void KeyDirectory::write_status(const KeyStatus& status) const {
  const std::string text = status.to_json();
  replace(status_file(), {reinterpret_cast<const unsigned char*>(text.data()), text.size()}, 0600);
}

void KeyDirectory::write_configuration(std::string_view text) const {
  replace(configuration_file(), {reinterpret_cast<const unsigned char*>(text.data()), text.size()}, 0600);
}

std::vector<std::string> KeyDirectory::accounts() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(kKeySuffix)) names.push_back(name.substr(0, name.size() - kKeySuffix.size()));
  }
  return names;
}

void KeyDirectory::replace(const fs::path& file, std::span<const unsigned char> bytes, mode_t mode) const {
  const fs::path draft = path_ / (file.filename().string() + ".new");
  {
    ::unlink(draft.c_str());  // of a predecessor that was killed
    const FileDescriptor out(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!out.valid()) fail(draft);
    write_all(out.get(), bytes, draft);
  }
  if (::rename(draft.c_str(), file.c_str()) != 0) fail(file);
}

}  // namespace blobvalet::fcgi
