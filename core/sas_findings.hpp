#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blobvalet {

/// One thing that was found out.
struct Finding {
  enum class Level : std::uint8_t {
    fault,    ///< Azure, or blobvalet, refuses because of it
    warning,  ///< it may be what is wrong
    note,     ///< good to know
  };
  Level level;
  std::string field;  ///< such as `se` or `bloburi`
  std::string what;   ///< and, where that helps, what to do
};

/// A field of the string-to-sign, side by side.
struct ComparedField {
  std::string_view name;
  std::string ours;
  std::optional<std::string> azures;  ///< nothing: Azure did not say
};

/// All that can be said of a SAS.
struct SasExplanation {
  std::vector<Finding> findings;
  std::vector<ComparedField> fields;   ///< empty: the string-to-sign cannot be rebuilt
  std::vector<std::string> unchecked;  ///< what it would take to check more
  bool is_verified = false;            ///< a key of ours made the signature of these very fields

  [[nodiscard]] bool has_fault() const {
    return std::ranges::any_of(findings, [](const Finding& f) { return f.level == Finding::Level::fault; });
  }
};

/// Collects what is found.
class Findings {
 public:
  explicit Findings(std::vector<Finding>& findings) : findings_(findings) {}
  void fault(std::string_view field, std::string what) { add(Finding::Level::fault, field, std::move(what)); }
  void warning(std::string_view field, std::string what) {
    add(Finding::Level::warning, field, std::move(what));
  }
  void note(std::string_view field, std::string what) { add(Finding::Level::note, field, std::move(what)); }
  [[nodiscard]] bool has_fault_in(std::string_view field) const {
    return std::ranges::any_of(
        findings_, [&](const Finding& f) { return f.level == Finding::Level::fault && f.field == field; });
  }

 private:
  void add(Finding::Level level, std::string_view field, std::string what) {
    findings_.push_back({level, std::string(field), std::move(what)});
  }
  std::vector<Finding>& findings_;
};

}  // namespace blobvalet
