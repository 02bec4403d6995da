#pragma once
#include <filesystem>
#include <string_view>

namespace blobvalet::fcgi {

/// Replaces what a file holds, at once: whoever reads it meanwhile finds the old text or the new one, whole.
/// Owner, group and mode stay; of a symbolic link, what it leads to is replaced. Throws std::runtime_error,
/// with what failed, and leaves the file as it was, if the disk or the directory's rights do not allow it, or
/// if the file does not hold `before` any more.
void replace_file(const std::filesystem::path& file, std::string_view before, std::string_view after);

}  // namespace blobvalet::fcgi
