#pragma once
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace blobvalet {

/// Where to write in a text, and where its room ends. Each function returns the place behind what it wrote:
/// two pointers that never leave the registers, where a string would count its bytes in memory for every
/// part. That is only so as long as no function is called for a part, hence the attributes. Writing more than
/// there is room for throws std::length_error, which would be our own mistake.
class TextCursor {
 public:
  /// Lets `write` append at most `room` bytes to `out`: it gets a cursor and returns one.
  /// If it throws, what stands behind the old end of `out` means nothing.
  template <class Write>
  static void append(std::string& out, std::size_t room, const Write& write) {
    const std::size_t begin = out.size();
    out.resize(begin + room);
    char* const at = out.data() + begin;
    const TextCursor end = write(TextCursor(at, at + room));
    out.resize(begin + static_cast<std::size_t>(end.at_ - at));
  }

  [[nodiscard, gnu::always_inline]] TextCursor put(std::string_view text) const {
    need(text.size());
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    return {at_ + text.size(), end_};
  }
  [[nodiscard, gnu::always_inline]] TextCursor put(char c) const {
    need(1);
    *at_ = c;
    return {at_ + 1, end_};
  }
  /// `write` gets a pointer to `room` bytes and returns where it ended.
  template <class Write>
  [[nodiscard]] TextCursor put_by(std::size_t room, const Write& write) const {
    need(room);
    return {write(at_), end_};
  }

 private:
  TextCursor(char* at, char* end) : at_(at), end_(end) {}
  [[gnu::always_inline]] void need(std::size_t bytes) const {
    if (bytes > static_cast<std::size_t>(end_ - at_)) throw std::length_error("TextCursor");
  }
  char* at_;
  char* end_;
};

}  // namespace blobvalet
