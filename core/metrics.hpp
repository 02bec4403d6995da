#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/meters.hpp"
#include "core/site.hpp"
#include "core/utc_time.hpp"
#include "core/worker_state.hpp"

namespace blobvalet {

/// Writes metrics in Prometheus' text format 0.0.4 ("Exposition formats", prometheus.io).
///
/// Why not prometheus-cpp, which Debian has: its counters lie in the memory of one process and die with it,
/// and there is no other place to be had for them. What would be left of it is the writing of this text.
class MetricsText {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  /// Begins a metric whose samples follow; `type` is `gauge`, `counter` or `histogram`, `help` is one line.
  void begin(std::string_view name, std::string_view type, std::string_view help);
  void begin_gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  /// A sample of the metric that was begun last. Label values may hold anything.
  void add(const Labels& labels, std::int64_t value);
  /// One whose name, labels included, is known already.
  void add_line(std::string_view sample, std::string_view value);
  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view name_;
};

/// What the workers of this machine have counted, and what the one that answers knows: its configuration,
/// keys and clock.
[[nodiscard]] std::string metrics_text(const Site& site, WorkerState* state, UtcSeconds now);

/// Names of what is counted elsewhere than in RequestMeter.
namespace metric {
inline constexpr std::string_view kRequest = "blobvalet_request_duration_seconds";
inline constexpr std::string_view kInFlight = "blobvalet_requests_in_flight";
inline constexpr std::string_view kConnections = "blobvalet_connections";
inline constexpr std::string_view kThreads = "blobvalet_callback_threads";
inline constexpr std::string_view kThreadsBusy = "blobvalet_callback_threads_busy";
inline constexpr std::string_view kCallbacksWaiting = "blobvalet_callbacks_waiting";
inline constexpr std::string_view kWorkers = "blobvalet_workers";
inline constexpr std::string_view kWorkerStarts = "blobvalet_worker_starts_total";
inline constexpr std::string_view kReloads = "blobvalet_config_reloads_total";
inline constexpr std::string_view kLastReload = "blobvalet_config_last_reload_timestamp_seconds";
inline constexpr std::string_view kReloadFailed = "blobvalet_reload_failed";
inline constexpr std::string_view kAzure = "blobvalet_azure_request_duration_seconds";
inline constexpr std::string_view kHook = "blobvalet_hook_request_duration_seconds";
inline constexpr std::string_view kEvents = "blobvalet_events";
inline constexpr std::string_view kEventsOldest = "blobvalet_events_oldest_timestamp_seconds";
inline constexpr std::string_view kDeliveries = "blobvalet_event_deliveries_total";
}  // namespace metric

}  // namespace blobvalet
