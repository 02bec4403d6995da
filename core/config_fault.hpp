#pragma once
#include <string>
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

/// `text` on one line: a control character becomes `?`, so that no key of the file can forge a line of
/// output.
[[nodiscard]] std::string printable(std::string text);

using ConfigFaults = std::vector<ConfigFault>;

}  // namespace blobvalet
