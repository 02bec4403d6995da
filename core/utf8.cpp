#include "core/utf8.hpp"

#include <rapidjson/encodings.h>

#include <algorithm>

namespace blobvalet {
namespace {

// The input half of RapidJSON's stream concept; past the end it yields NUL, which is never a continuation
// byte.
class ByteStream {
 public:
  using Ch = char;
  explicit ByteStream(std::string_view text) : rest_(text) {}
  char Take() {
    if (rest_.empty()) return '\0';
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& text) {
  if (is_ascii(text.front())) {
    const auto c = static_cast<char32_t>(text.front());
    text.remove_prefix(1);
    return c;
  }
  ByteStream stream(text);
  unsigned code_point = 0;
  if (!rapidjson::UTF8<>::Decode(stream, &code_point)) return std::nullopt;
  text = stream.rest();
  return static_cast<char32_t>(code_point);
}

bool is_utf8(std::string_view text) {
  while (true) {
    text.remove_prefix(static_cast<std::size_t>(std::ranges::find_if_not(text, is_ascii) - text.begin()));
    if (text.empty()) return true;
    if (!take_code_point(text)) return false;
  }
}

std::string ascii_only(std::string_view text) {
  std::string result(text);
  std::ranges::replace_if(
      result, [](char c) { return !is_ascii(c); }, '?');
  return result;
}

}  // namespace blobvalet
