#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// FastCGI records as a web server writes them, or as none would (FastCGI Specification 1.0, section 3.3).
namespace blobvalet::testing {

inline constexpr unsigned kBegin = 1;
inline constexpr unsigned kAbort = 2;
inline constexpr unsigned kEnd = 3;
inline constexpr unsigned kParams = 4;
inline constexpr unsigned kStdin = 5;
inline constexpr unsigned kStdout = 6;
inline constexpr unsigned kData = 8;
inline constexpr unsigned kGetValues = 9;

inline std::string bytes(std::initializer_list<unsigned> values) {
  std::string text;
  for (const unsigned value : values)
    text.push_back(static_cast<char>(value));
  return text;
}

struct RecordOptions {
  unsigned version = 1;
  unsigned id = 1;
  unsigned padding = 0;
};

inline std::string record(unsigned type, std::string_view content = {}, RecordOptions options = {}) {
  const auto size = static_cast<unsigned>(content.size());
  std::string text = bytes({options.version, type, options.id >> 8U, options.id & 0xffU, size >> 8U,
                            size & 0xffU, options.padding, 0});
  return text.append(content).append(options.padding, 'p');
}

inline std::string begin(unsigned role = 1, bool keep = true, RecordOptions options = {}) {
  return record(kBegin, bytes({0, role, keep ? 1U : 0U, 0, 0, 0, 0, 0}), options);
}

/// A stream in records of at most `size` bytes, ended by the empty one.
inline std::string stream(unsigned type, std::string_view content, std::size_t size = 0xffff,
                          RecordOptions options = {}) {
  std::string text;
  for (; !content.empty(); content.remove_prefix(std::min(size, content.size()))) {
    text += record(type, content.substr(0, size), options);
  }
  options.padding = 0;
  return text + record(type, {}, options);
}

inline std::string long_length(unsigned value) {
  return bytes({(value >> 24U) | 0x80U, (value >> 16U) & 0xffU, (value >> 8U) & 0xffU, value & 0xffU});
}

inline std::string pair_length(std::size_t value) {
  return value < 128 ? bytes({static_cast<unsigned>(value)}) : long_length(static_cast<unsigned>(value));
}

inline std::string pair(std::string_view name, std::string_view value) {
  return pair_length(name.size()) + pair_length(value.size()) + std::string(name) + std::string(value);
}

using Parameters = std::vector<std::pair<std::string, std::string>>;

inline std::string pairs(const Parameters& params) {
  std::string text;
  for (const auto& [name, value] : params)
    text += pair(name, value);
  return text;
}

/// All records of one request, as nginx would send them.
inline std::string whole_request(const Parameters& params, std::string_view body = {}, bool keep = true) {
  return begin(1, keep) + stream(kParams, pairs(params)) + stream(kStdin, body);
}

}  // namespace blobvalet::testing
