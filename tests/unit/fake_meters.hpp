#pragma once
#include <map>
#include <string>

#include "core/meters.hpp"

namespace blobvalet::testing {

/// Keeps figures in memory; `room` is how many names out of configurations fit.
class FakeMeters final : public Meters {
 public:
  [[nodiscard]] Meter* meter(MeterKind kind, std::string_view sample, Room wanted = Room::fixed) override {
    const std::string name(sample);
    if (wanted == Room::configured && !figures.contains(name)) {
      if (room == 0) return nullptr;
      --room;
    }
    return &figures.try_emplace(name, kind).first->second.meter;
  }
  [[nodiscard]] std::vector<MeterTotal> totals() const override {
    std::vector<MeterTotal> all;
    for (const auto& [sample, figure] : figures)
      all.push_back({figure.kind, sample, figure.meter.value()});
    return all;
  }
  void use_revision(std::string_view /*revision*/) override {}
  [[nodiscard]] std::vector<std::string> revisions() const override { return in_use; }
  [[nodiscard]] std::pair<std::size_t, std::size_t> usage() const override { return {figures.size(), 1024}; }
  [[nodiscard]] std::string fault() const override { return why_alone; }

  /// `sample value` of each that is not 0, in a line of its own.
  [[nodiscard]] std::string counted() const {
    std::string text;
    for (const auto& [sample, figure] : figures) {
      if (figure.meter.value() > 0)
        text.append(sample).append(" ").append(std::to_string(figure.meter.value())).append("\n");
    }
    return text;
  }

  struct Figure {
    explicit Figure(MeterKind the_kind) : kind(the_kind) {}
    MeterKind kind;
    Meter meter;
  };
  std::map<std::string, Figure> figures;
  std::size_t room = 100;
  std::vector<std::string> in_use;
  std::string why_alone;
};

}  // namespace blobvalet::testing
