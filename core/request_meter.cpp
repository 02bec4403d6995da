#include "core/request_meter.hpp"

#include <algorithm>

namespace blobvalet {
namespace {

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

/// What stands for a rule that there is no room for.
constexpr std::string_view kOther = "other";

std::string_view metered(std::string_view endpoint) {
  const auto found = std::ranges::find(kMeteredEndpoints, endpoint);
  return found == kMeteredEndpoints.end() ? kMeteredEndpoints.back() : *found;
}

bool is_for_pages(std::string_view endpoint) {
  return endpoint == "signature" || endpoint == "success" || endpoint == "session";
}

/// Without the labels that say nothing.
std::string name_without_empty(std::string_view name, Labels labels) {
  std::erase_if(labels, [](const auto& label) { return label.second.empty(); });
  return sample_name(name, labels);
}

}  // namespace

void RequestMeter::answered(const Event& event, std::chrono::nanoseconds duration) {
  if (meters_ == nullptr) return;
  const Entry& entry = entry_of(event);
  count(entry.request);
  count(entry.verdict);
  entry.duration.observe(duration);
}

const RequestMeter::Entry& RequestMeter::entry_of(const Event& event) {
  key_.assign(metered(event.endpoint));
  for (const std::string_view part : {event.code, event.verb, event.rule})
    key_.append("\n").append(part);
  // The same code may stand for two statuses: health is red, or not.
  key_.append(event.status == Status::ok ? "" : "\n!");
  const auto known = entries_.find(key_);
  return known != entries_.end() ? known->second : entries_.emplace(key_, make_entry(event)).first->second;
}

RequestMeter::Entry RequestMeter::make_entry(const Event& event) const {
  const std::string_view endpoint = metered(event.endpoint);
  const std::string status = std::to_string(static_cast<unsigned>(event.status));
  Entry entry;
  entry.request = meters_->meter(
      MeterKind::counter, sample_name("blobvalet_requests_total",
                                      {{"endpoint", endpoint}, {"status", status}, {"code", event.code}}));
  if (!is_for_pages(endpoint)) return entry;
  entry.verdict = verdict_of(event, endpoint);
  const std::string label = "endpoint=\"" + std::string(endpoint) + "\"";
  entry.duration = Histogram(*meters_, "blobvalet_request_duration_seconds", label);
  return entry;
}

Meter* RequestMeter::verdict_of(const Event& event, std::string_view endpoint) const {
  const bool granted = event.status == Status::ok;
  const auto meter = [&](std::string_view rule, Meters::Room room) {
    const std::string sample =
        granted ? name_without_empty("blobvalet_grants_total",
                                     {{"endpoint", endpoint}, {"rule", rule}, {"method", event.verb}})
                : name_without_empty("blobvalet_refusals_total",
                                     {{"endpoint", endpoint}, {"rule", rule}, {"code", event.code}});
    return meters_->meter(MeterKind::counter, sample, room);
  };
  if (event.rule.empty()) return meter({}, Meters::Room::fixed);
  Meter* own = meter(event.rule, Meters::Room::configured);
  return own != nullptr ? own : meter(kOther, Meters::Room::fixed);
}

}  // namespace blobvalet
