#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace blobvalet {

/// The letters of `sp`. Whatever order they were given in, they print in the service's canonical order; a SAS
/// whose letters stand in another order is refused by Azure.
class SasPermissions {
 public:
  /// Read, add, create, write, delete, delete version, permanent delete, list, tags, find, move, execute,
  /// ownership, permissions, immutability policy.
  static constexpr std::string_view kCanonicalOrder = "racwdxyltfmeopi";

  SasPermissions() = default;
  /// Nothing if a letter is unknown or repeated. Empty text is the empty set.
  [[nodiscard]] static std::optional<SasPermissions> parse(std::string_view letters);

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool has(char letter) const { return text_.find(letter) != std::string::npos; }
  /// True if every letter is one of `letters`.
  [[nodiscard]] bool within(std::string_view letters) const {
    return text_.find_first_not_of(letters) == std::string::npos;
  }

 private:
  std::string text_;
};

}  // namespace blobvalet
