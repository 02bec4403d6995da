#pragma once
#include <string_view>

namespace blobvalet {

/// Text known at compile time: printable ASCII without `"` or `\`. It can be put into JSON as it is, it never
/// dangles, and it cannot hold a secret or anything that a client sent.
class StaticText {
 public:
  consteval StaticText(const char* literal) : text_(literal) {  // NOLINT(google-explicit-constructor)
    for (const char c : text_) {
      if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') throw "StaticText: not JSON-safe ASCII";
    }
  }
  [[nodiscard]] constexpr std::string_view view() const { return text_; }
  [[nodiscard]] constexpr bool empty() const { return text_.empty(); }

 private:
  std::string_view text_;
};

}  // namespace blobvalet
