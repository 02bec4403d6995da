#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace blobvalet {

/// One thing that is wrong with the configuration. Neither part ever holds the value of a setting, so that a
/// key pasted into the wrong place is not printed.
struct ConfigFault {
  std::string path;     ///< such as `accounts[0].endpoint`
  std::string message;  ///< such as `must be a URL`

  [[nodiscard]] std::string text() const { return path + ": " + message; }
  friend bool operator==(const ConfigFault&, const ConfigFault&) = default;
};

/// A key of the file for a path, on one line: a control character becomes `?`, so that it cannot forge a line
/// of output. One that is longer than any of ours is not shown: it may be a secret pasted into the wrong
/// place.
[[nodiscard]] std::string printable_key(std::string_view key);

using ConfigFaults = std::vector<ConfigFault>;

}  // namespace blobvalet
