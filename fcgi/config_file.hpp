#pragma once
#include <filesystem>
#include <string>

#include "core/config.hpp"

namespace blobvalet::fcgi {

/// A configuration file, sound.
struct ConfigFile {
  std::string text;
  Config config;  ///< file names are those of the file system, but for keys, which KeyLoader looks up
};

/// Reads the file, or says all that is wrong with it.
[[nodiscard]] tl::expected<ConfigFile, ConfigFaults> read_config_file(const std::filesystem::path& file);

/// The same for a text that has been read from `file`.
[[nodiscard]] tl::expected<ConfigFile, ConfigFaults> parse_config_file(std::string text,
                                                                       const std::filesystem::path& file);

/// Logs each fault as an event of this name.
void log_faults(std::string_view event, const ConfigFaults& faults);

/// All of them in one line.
[[nodiscard]] std::string text_of(const ConfigFaults& faults);

}  // namespace blobvalet::fcgi
