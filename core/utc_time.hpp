#pragma once
#include <array>
#include <chrono>
#include <optional>
#include <string_view>

namespace blobvalet {

/// An instant in whole seconds, UTC.
using UtcSeconds = std::chrono::sys_seconds;

/// `YYYY-MM-DDThh:mm:ssZ`, the one form that SAS times take here.
class UtcText {
 public:
  /// `time` must lie in the years 0 to 9999.
  explicit UtcText(UtcSeconds time);
  [[nodiscard]] std::string_view view() const { return {text_.data(), text_.size()}; }

 private:
  std::array<char, 20> text_;
};

/// Reads exactly that form; nothing for any other text or for a date that does not exist.
[[nodiscard]] std::optional<UtcSeconds> parse_utc(std::string_view text);

/// Reads a plain date `YYYY-MM-DD`; nothing for any other text or for a date that does not exist.
[[nodiscard]] std::optional<std::chrono::sys_days> parse_date(std::string_view text);

}  // namespace blobvalet
