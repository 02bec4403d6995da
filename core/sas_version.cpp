#include "core/sas_version.hpp"

#include "core/utc_time.hpp"

namespace blobvalet {

std::optional<SasVersion> SasVersion::parse(std::string_view text) {
  if (!parse_date(text) || text < kOldest || text > kNewest) return std::nullopt;
  SasVersion version;
  version.text_ = text;
  return version;
}

}  // namespace blobvalet
