#pragma once
#include <cstdint>
#include <string>

namespace blobvalet {

/// Where a key is kept; the key itself never stands in the configuration.
struct KeySource {
  enum class Kind : std::uint8_t {
    file,         ///< a file that nobody else can use
    environment,  ///< an environment variable
    credential,   ///< a systemd credential (LoadCredential=)
  };
  Kind kind = Kind::file;
  std::string name;  ///< file name, variable name or credential name
};

}  // namespace blobvalet
