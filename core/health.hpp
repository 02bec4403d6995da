#pragma once
#include <string>
#include <vector>

#include "core/site.hpp"
#include "core/utc_time.hpp"
#include "core/worker_state.hpp"

namespace blobvalet {

/// How a worker is, for monitoring.
struct Health {
  bool is_red = false;                ///< uploads fail, or soon will
  std::vector<std::string> problems;  ///< what to mend, as sentences; some do no harm yet

  /// What check_everything() finds wrong, in sentences.
  [[nodiscard]] static Health assess(const Site& site, const WorkerState* state, UtcSeconds now);
  /// `{"status":"ok"|"warning"|"failing",...}`, with version, configuration and problems.
  [[nodiscard]] std::string to_json(const Site& site) const;
};

}  // namespace blobvalet
