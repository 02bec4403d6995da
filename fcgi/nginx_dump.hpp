#pragma once
#include <string>
#include <tl/expected.hpp>

#include "core/nginx_config.hpp"

namespace blobvalet::fcgi {

/// nginx's configuration as it is in use here, or why it is not known. `source` is a file with what `nginx
/// -T` prints, `-` for standard input, `none`, or empty: nginx itself is run, and what it says counts only if
/// blobvalet is in it.
[[nodiscard]] tl::expected<NginxConfig, std::string> read_nginx(const std::string& source);

}  // namespace blobvalet::fcgi
