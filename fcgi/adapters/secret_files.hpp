#pragma once
#include <filesystem>

#include "core/ports.hpp"

namespace blobvalet::fcgi {

/// What an open descriptor's file holds: nothing if that is `limit` bytes or more, or cannot be read.
[[nodiscard]] std::optional<SecretBytes> read_secret(int fd, std::size_t limit);

/// Without the white space at both ends of `bytes`.
[[nodiscard]] SecretBytes trimmed(const SecretBytes& bytes);

/// SecretFiles on the file system, read anew each time.
class FileSecrets final : public SecretFiles {
 public:
  [[nodiscard]] std::optional<SecretBytes> read(const std::string& path) override;
};

}  // namespace blobvalet::fcgi
