#pragma once
#include <optional>
#include <string_view>

#include "core/result.hpp"

namespace blobvalet {

/// One `name=value` of a form, both still encoded.
struct FormPair {
  std::string_view name;
  std::string_view value;
};

/// Walks application/x-www-form-urlencoded text (WHATWG URL, "urlencoded parsing"), a query string or a form
/// body. Empty pairs (`a=1&&b=2`), which the client sends for empty arrays, are skipped; a pair without `=`
/// has an empty value.
class FormReader {
 public:
  explicit FormReader(std::string_view text) : rest_(text) {}
  /// The next pair, or nothing at the end.
  [[nodiscard]] std::optional<FormPair> next();

 private:
  std::string_view rest_;
};

/// What is said of a query or form with a `%` that no two hexadecimal digits follow.
[[nodiscard]] inline tl::unexpected<Error> malformed_escape(StaticText field) {
  return refuse(Errc::bad_encoding, field, "has a malformed percent escape");
}

}  // namespace blobvalet
