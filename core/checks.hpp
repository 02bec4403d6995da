#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/site.hpp"
#include "core/utc_time.hpp"
#include "core/worker_state.hpp"

namespace blobvalet {

/// One thing that uploads depend on, as it is now.
struct Check {
  enum class Level : std::uint8_t {
    ok,
    unknown,  ///< nobody has looked, which does no harm
    warning,  ///< something to mend; uploads work
    failing,  ///< uploads fail
  };
  std::string_view name;  ///< `configuration`, `keys`, `clock`, `azure` or `metrics`
  Level level = Level::ok;
  std::string reason = {};  ///< empty if all is well
};

/// Looks at everything; asks nobody, since `blobvalet keys renew` has. Each name is there at least once, and
/// `keys` and `azure` once for each account about which there is something to say.
[[nodiscard]] std::vector<Check> check_everything(const Site& site, const WorkerState* state, UtcSeconds now);

/// `failing` if one of them is.
[[nodiscard]] bool is_any_failing(const std::vector<Check>& checks);

/// What a load balancer is told:
/// `{"status":"ready"|"not_ready",...,"checks":[{"check","status","reason"},...]}`.
[[nodiscard]] std::string readiness_json(const Site& site, const std::vector<Check>& checks);

/// What is told of a worker that answers at all.
[[nodiscard]] std::string liveness_json();

}  // namespace blobvalet
