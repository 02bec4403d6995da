#pragma once
#include <filesystem>

#include "core/config.hpp"
#include "core/warning.hpp"

namespace blobvalet::fcgi {

/// What is weak about the files of a configuration: who can read or change them, and the directories on the
/// way to them. Key files that others can read are faults already. `config` is as read from `config_file`.
[[nodiscard]] Warnings file_warnings(const Config& config, const std::filesystem::path& config_file);

}  // namespace blobvalet::fcgi
