#pragma once
#include <sys/stat.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

#include "core/ports.hpp"

namespace blobvalet::fcgi {

/// Who wants to read a secret.
struct SecretReader {
  uid_t user;
  gid_t group;

  /// This process.
  [[nodiscard]] static SecretReader self();
};

/// Why `reader` must not take a secret from a file with this status; empty: it may. The file has to be a
/// regular one, of the reader or root, that nobody else can use. Only root's may be read by a group, too: the
/// reader's (mode 0640 root:blobvalet). To root the owner does not matter, nor does the group of its own
/// files: it is the operator who looks at what the workers will read.
[[nodiscard]] std::string objection_to(const struct stat& status, const SecretReader& reader);

/// The same for this process and an open file.
[[nodiscard]] std::string objection_to(int fd);

/// What an open descriptor's file holds: nothing if that is `limit` bytes or more, or cannot be read.
[[nodiscard]] std::optional<SecretBytes> read_secret(int fd, std::size_t limit);

/// The bytes as a text, which lives no longer than they do.
[[nodiscard]] inline std::string_view text_of(const SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.reveal().data()), bytes.size()};
}

/// Without the white space at both ends of `bytes`.
[[nodiscard]] SecretBytes trimmed(const SecretBytes& bytes);

/// SecretFiles on the file system, read anew each time.
class FileSecrets final : public SecretFiles {
 public:
  [[nodiscard]] std::optional<SecretBytes> read(const std::string& path) override;
};

}  // namespace blobvalet::fcgi
