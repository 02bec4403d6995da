#include "core/meters.hpp"

#include <algorithm>

namespace blobvalet {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\n') {
      out.append("\\n");
      continue;
    }
    if (c == '\\' || c == '"') out.push_back('\\');
    out.push_back(c);
  }
}

std::string with_labels(std::string_view name, std::string_view suffix, std::string_view labels) {
  std::string text(name);
  text.append(suffix);
  if (!labels.empty()) text.append("{").append(labels).append("}");
  return text;
}

}  // namespace

std::string sample_name(std::string_view name,
                        const std::vector<std::pair<std::string_view, std::string_view>>& labels) {
  std::string text(name);
  char separator = '{';
  for (const auto& [label, value] : labels) {
    text.push_back(separator);
    text.append(label).append("=\"");
    append_escaped(text, value);
    text.push_back('"');
    separator = ',';
  }
  return labels.empty() ? text : text.append("}");
}

std::string seconds_text(std::uint64_t nanoseconds) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  std::string fraction = std::to_string(kSecond + nanoseconds % kSecond).substr(1);
  fraction.erase(fraction.find_last_not_of('0') + 1);
  const std::string whole = std::to_string(nanoseconds / kSecond);
  return fraction.empty() ? whole : whole + "." + fraction;
}

Histogram::Histogram(Meters& meters, std::string_view name, std::string_view labels)
    : sum_(meters.meter(MeterKind::counter, sum(name, labels))) {
  for (std::size_t i = 0; i < buckets_.size(); ++i)
    buckets_.at(i) = meters.meter(MeterKind::counter, bucket(name, labels, i));
}

void Histogram::observe(std::chrono::nanoseconds duration) const {
  // A clock that went back has measured nothing.
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  const auto bound = std::ranges::lower_bound(kBounds, nanoseconds) - kBounds.begin();
  count(buckets_.at(static_cast<std::size_t>(bound)));
  count(sum_, nanoseconds);
}

std::string Histogram::bucket(std::string_view name, std::string_view labels, std::size_t bound) {
  std::string all(labels);
  if (!all.empty()) all.append(",");
  all.append("le=\"").append(bound < kBounds.size() ? seconds_text(kBounds.at(bound)) : "+Inf").append("\"");
  return with_labels(name, "_bucket", all);
}

std::string Histogram::sum(std::string_view name, std::string_view labels) {
  return with_labels(name, "_sum", labels);
}

}  // namespace blobvalet
