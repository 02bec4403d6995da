#include "core/percent_encoding.hpp"

#include <array>
#include <cstring>

#include "core/hexadecimal.hpp"

namespace blobvalet {
namespace {

using ByteClass = std::array<bool, 256>;

constexpr ByteClass make_class(std::string_view extra) {
  ByteClass bare{};
  for (unsigned c = '0'; c <= '9'; ++c)
    bare[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c)
    bare[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c)
    bare[c] = true;
  for (const char c : extra)
    bare[static_cast<unsigned char>(c)] = true;
  return bare;
}
/// All bytes but those of `excluded`.
constexpr ByteClass make_complement(std::string_view excluded) {
  ByteClass bytes{};
  bytes.fill(true);
  for (const char c : excluded)
    bytes[static_cast<unsigned char>(c)] = false;
  return bytes;
}
constexpr ByteClass kNoEscape = make_complement("%");
constexpr ByteClass kNoFormEscape = make_complement("%+");

/// What a byte is written as: itself, or `%XX`, in one word, so that no byte is a reason to branch.
struct Written {
  std::array<char, 3> text;
  unsigned char length;
};
using Encoding = std::array<Written, 256>;

constexpr Encoding make_encoding(std::string_view bare_beside_alphanumerics) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const ByteClass bare = make_class(bare_beside_alphanumerics);
  Encoding encoding{};
  for (unsigned byte = 0; byte < encoding.size(); ++byte) {
    encoding[byte] = bare[byte] ? Written{{static_cast<char>(byte)}, 1}
                                : Written{{'%', kHex[byte >> 4U], kHex[byte & 0xfU]}, 3};
  }
  return encoding;
}
constexpr Encoding kUnreserved = make_encoding("-._~");
constexpr Encoding kPath = make_encoding("-._~/");

/// How many bytes of the class `text` begins with. Runs are what names and values mostly consist of, so that
/// four bytes are looked at by one branch.
std::size_t run_of(const ByteClass& bytes, std::string_view text) {
  const auto has = [&](std::size_t at) -> unsigned { return bytes[static_cast<unsigned char>(text[at])]; };
  std::size_t length = 0;
  while (length + 4 <= text.size() &&
         (has(length) & has(length + 1) & has(length + 2) & has(length + 3)) != 0)
    length += 4;
  while (length < text.size() && has(length) != 0)
    ++length;
  return length;
}

char* write_encoded(char* out, std::string_view raw, const Encoding& encoding) {
  for (const char c : raw) {
    const Written& written = encoding[static_cast<unsigned char>(c)];
    std::memcpy(out, &written, sizeof written);  // its length is written over, or is in the room asked for
    out += written.length;
  }
  return out;
}

void append_encoded(std::string& out, std::string_view raw, const Encoding& encoding) {
  const std::size_t begin = out.size();
  out.resize(begin + encoded_room(raw.size()));
  const char* const end = write_encoded(out.data() + begin, raw, encoding);
  out.resize(static_cast<std::size_t>(end - out.data()));
}

/// Appends the byte that `%XX` at the front of `encoded` stands for, and takes it off.
bool take_escape(std::string& out, std::string_view& encoded) {
  if (encoded.size() < 3) return false;
  const int high = hexadecimal_value(encoded[1]);
  const int low = hexadecimal_value(encoded[2]);
  if (high < 0 || low < 0) return false;
  out.push_back(static_cast<char>(high * 16 + low));
  encoded.remove_prefix(3);
  return true;
}

bool append_decoded(std::string& out, std::string_view encoded, const ByteClass& plain) {
  while (!encoded.empty()) {
    const std::size_t run = run_of(plain, encoded);
    out.append(encoded.substr(0, run));
    encoded.remove_prefix(run);
    if (encoded.starts_with('+')) {
      out.push_back(' ');
      encoded.remove_prefix(1);
    } else if (!encoded.empty() && !take_escape(out, encoded)) {
      return false;
    }
  }
  return true;
}

}  // namespace

char* write_query_encoded(char* out, std::string_view raw) {
  return write_encoded(out, raw, kUnreserved);
}

char* write_path_encoded(char* out, std::string_view raw) {
  return write_encoded(out, raw, kPath);
}

void append_query_encoded(std::string& out, std::string_view raw) {
  append_encoded(out, raw, kUnreserved);
}

void append_path_encoded(std::string& out, std::string_view raw) {
  append_encoded(out, raw, kPath);
}

bool append_percent_decoded(std::string& out, std::string_view encoded) {
  return append_decoded(out, encoded, kNoEscape);
}

bool append_form_decoded(std::string& out, std::string_view encoded) {
  return append_decoded(out, encoded, kNoFormEscape);
}

std::optional<std::string_view> decode_form_behind(std::string& buffer, std::string_view encoded) {
  const std::size_t begin = buffer.size();
  if (!append_form_decoded(buffer, encoded)) return std::nullopt;
  return std::string_view(buffer).substr(begin);
}

}  // namespace blobvalet
