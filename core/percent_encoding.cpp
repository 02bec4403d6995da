#include "core/percent_encoding.hpp"

#include <array>

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
constexpr ByteClass kUnreserved = make_class("-._~");
constexpr ByteClass kPath = make_class("-._~/");

void append_encoded(std::string& out, std::string_view raw, const ByteClass& bare) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    if (bare[byte]) {
      out.push_back(c);
      continue;
    }
    const std::array<char, 3> escape{'%', kHex[byte >> 4U], kHex[byte & 0xfU]};
    out.append(escape.data(), escape.size());
  }
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool append_decoded(std::string& out, std::string_view encoded, bool plus_is_space) {
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    if (encoded[i] == '+' && plus_is_space) {
      out.push_back(' ');
      continue;
    }
    if (encoded[i] != '%') {
      out.push_back(encoded[i]);
      continue;
    }
    if (encoded.size() - i < 3) return false;
    const int high = hex_value(encoded[i + 1]);
    const int low = hex_value(encoded[i + 2]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return true;
}

}  // namespace

void append_query_encoded(std::string& out, std::string_view raw) {
  append_encoded(out, raw, kUnreserved);
}

void append_path_encoded(std::string& out, std::string_view raw) {
  append_encoded(out, raw, kPath);
}

bool append_percent_decoded(std::string& out, std::string_view encoded) {
  return append_decoded(out, encoded, false);
}

bool append_form_decoded(std::string& out, std::string_view encoded) {
  return append_decoded(out, encoded, true);
}

}  // namespace blobvalet
