#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blobvalet::fuzz {

// Second implementations to compare with: written for being obviously right, sharing nothing with core.

inline bool is_hex(char c) {
  return std::string_view("0123456789abcdefABCDEF").find(c) != std::string_view::npos;
}

/// Decodes `%XX`, and `+` if it stands for a space. Any other `%` stays.
inline std::string decode(std::string_view text, bool plus_is_space) {
  std::string out;
  while (!text.empty()) {
    const bool escape = text.front() == '%' && text.size() >= 3 && is_hex(text[1]) && is_hex(text[2]);
    const char plain = plus_is_space && text.front() == '+' ? ' ' : text.front();
    out += escape ? static_cast<char>(std::stoi(std::string(text.substr(1, 2)), nullptr, 16)) : plain;
    text.remove_prefix(escape ? 3 : 1);
  }
  return out;
}

inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

/// The pairs of a form or query, decoded. Empty pairs are left out.
inline std::vector<std::pair<std::string, std::string>> read_form(std::string_view form) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& pair : split(form, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    const std::string value = equals == std::string::npos ? "" : pair.substr(equals + 1);
    pairs.emplace_back(decode(pair.substr(0, equals), true), decode(value, true));
  }
  return pairs;
}

/// Percent-encodes every byte, whether it needs to be or not.
inline std::string encode(std::string_view raw) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kHex[byte / 16], kHex[byte % 16]};
  }
  return out;
}

}  // namespace blobvalet::fuzz
