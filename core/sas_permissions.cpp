#include "core/sas_permissions.hpp"

#include <algorithm>

namespace blobvalet {

std::optional<SasPermissions> SasPermissions::parse(std::string_view letters) {
  SasPermissions permissions;
  for (const char letter : kCanonicalOrder) {
    const auto times = std::count(letters.begin(), letters.end(), letter);
    if (times > 1) return std::nullopt;
    if (times == 1) permissions.text_.push_back(letter);
  }
  if (permissions.text_.size() != letters.size()) return std::nullopt;
  return permissions;
}

}  // namespace blobvalet
