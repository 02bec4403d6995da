#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/nginx_config.hpp"
#include "core/warning.hpp"

namespace blobvalet {

/// What is weak in how nginx uses blobvalet, and where its limits and those of `config` disagree.
[[nodiscard]] Warnings nginx_warnings(const Config& config, const NginxConfig& nginx);

/// The origins that pages of other sites may have, as blobvalet/origins.map lists them.
[[nodiscard]] std::vector<std::string> listed_origins(const NginxConfig& nginx);

/// nginx's sizes (`64k`), in bytes, and times (`10s`, `1m 30s`), in milliseconds; nothing for any other text.
[[nodiscard]] std::optional<std::uint64_t> nginx_size(std::string_view text);
[[nodiscard]] std::optional<std::uint64_t> nginx_milliseconds(std::string_view text);

}  // namespace blobvalet
