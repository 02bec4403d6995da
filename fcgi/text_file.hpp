#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace blobvalet::fcgi {

/// The whole file; nothing, with errno set, if it cannot be read.
[[nodiscard]] std::optional<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace blobvalet::fcgi
