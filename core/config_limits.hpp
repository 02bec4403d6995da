#pragma once
#include <optional>

#include "core/config_credential.hpp"

namespace blobvalet {

/// Reads `limits`.
[[nodiscard]] LimitOptions read_limits(const ObjectReader& object, const ReportFault& report);

/// Reads `rules[].limit`; nothing if the rule has none.
[[nodiscard]] std::optional<RateLimit> read_rate_limit(const ObjectReader& rule, const ReportFault& report);

/// Reads `server.allow_from`.
[[nodiscard]] std::vector<IpNetwork> read_allow_from(const ObjectReader& server, const ReportFault& report);

/// Reads `session`.
[[nodiscard]] SessionOptions read_session(const ObjectReader& object);

}  // namespace blobvalet
