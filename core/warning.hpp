#pragma once
#include <string>
#include <vector>

namespace blobvalet {

/// Something that works and is weak all the same. As in a ConfigFault, no value of a setting that may be a
/// secret is in it.
struct Warning {
  std::string code;   ///< stable, such as `long_lifetime`
  std::string field;  ///< such as `rules[0].sas.put_lifetime_seconds`, a file, or nginx's `file:line`
  std::string what;   ///< what is weak about it
  std::string mend;   ///< what to do

  [[nodiscard]] std::string text() const { return field + ": " + what + " (" + code + "); " + mend; }
};

using Warnings = std::vector<Warning>;

}  // namespace blobvalet
