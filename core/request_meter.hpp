#pragma once
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/access_event.hpp"
#include "core/meters.hpp"

namespace blobvalet {

/// The endpoints, as metrics name them; whatever else a web server may send is `other`.
inline constexpr std::array<std::string_view, 8> kMeteredEndpoints{
    "signature", "success", "session", "health", "live", "ready", "metrics", "other"};

/// Counts answered requests: by endpoint, status and code; granted and refused ones by rule; and how long
/// those of the endpoints for pages took. Not for use by two threads at once.
class RequestMeter {
 public:
  /// `meters`, which may be null, outlives it.
  explicit RequestMeter(Meters* meters) : meters_(meters) {}

  void answered(const Event& event, std::chrono::nanoseconds duration);

 private:
  struct Entry {
    Meter* request = nullptr;
    Meter* verdict = nullptr;  ///< null: neither granted nor refused
    Histogram duration;
  };
  [[nodiscard]] const Entry& entry_of(const Event& event);
  [[nodiscard]] Entry make_entry(const Event& event) const;
  [[nodiscard]] Meter* verdict_of(const Event& event, std::string_view endpoint) const;

  Meters* meters_;
  std::string key_;
  /// By all that tells one entry from another. Names of endpoints, codes and verbs are few, and rules are
  /// those of the configuration, so it stays small.
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace blobvalet
