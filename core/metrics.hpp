#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/site.hpp"
#include "core/utc_time.hpp"
#include "core/worker_state.hpp"

namespace blobvalet {

/// Writes metrics in Prometheus' text format 0.0.4 ("Exposition formats", prometheus.io).
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  /// Begins a metric whose samples follow; `help` is one line.
  void begin_gauge(std::string_view name, std::string_view help);
  /// A sample of the metric that was begun last. Label values may hold anything.
  void add(const Labels& labels, std::int64_t value);
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

/// What a worker has to tell: its configuration, keys and clock.
[[nodiscard]] std::string metrics_text(const Site& site, WorkerState* state, UtcSeconds now);

}  // namespace blobvalet
