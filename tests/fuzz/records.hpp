#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blobvalet::fuzz {

// FastCGI records (FastCGI Specification 1.0), read and written without libfcgi and without what is tested.

enum RecordType : unsigned { kBegin = 1, kAbort = 2, kEnd = 3, kParams = 4, kStdin = 5, kStdout = 6 };

struct Record {
  unsigned version = 0;
  unsigned type = 0;
  unsigned id = 0;
  std::string content;
};

using Params = std::vector<std::pair<std::string, std::string>>;

inline unsigned byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/// Takes one record off the front; false, with nothing taken, if it is not whole.
inline bool take_record(std::string_view& bytes, Record& record) {
  if (bytes.size() < 8) return false;
  const std::size_t length = byte_at(bytes, 4) * 256U + byte_at(bytes, 5);
  const std::size_t end = 8 + length + byte_at(bytes, 6);
  if (bytes.size() < end) return false;
  record = {byte_at(bytes, 0), byte_at(bytes, 1), byte_at(bytes, 2) * 256U + byte_at(bytes, 3),
            std::string(bytes.substr(8, length))};
  bytes.remove_prefix(end);
  return true;
}

/// The contents of all whole records of one type.
inline std::string joined_content(std::string_view bytes, unsigned type) {
  std::string joined;
  for (Record record; take_record(bytes, record);)
    if (record.type == type) joined += record.content;
  return joined;
}

inline bool take_length(std::string_view& stream, std::size_t& length) {
  const bool is_long = !stream.empty() && byte_at(stream, 0) >= 128;
  const std::size_t size = is_long ? 4 : 1;
  if (stream.size() < size) return false;
  length = 0;
  for (std::size_t i = 0; i < size; ++i)
    length = length * 256 + byte_at(stream, i);
  if (is_long) length -= 0x80000000;
  stream.remove_prefix(size);
  return true;
}

/// The pairs up to the first that is not whole.
inline Params read_params(std::string_view stream) {
  Params params;
  std::size_t name = 0;
  std::size_t value = 0;
  while (take_length(stream, name) && take_length(stream, value) && stream.size() >= name + value) {
    params.emplace_back(stream.substr(0, name), stream.substr(name, value));
    stream.remove_prefix(name + value);
  }
  return params;
}

inline std::string write_record(unsigned type, std::string_view content, unsigned id = 1,
                                unsigned padding = 0) {
  std::string out{'\1', static_cast<char>(type)};
  for (const std::size_t number : {std::size_t{id}, content.size()}) {
    out += static_cast<char>(number / 256 % 256);
    out += static_cast<char>(number % 256);
  }
  out += static_cast<char>(padding);
  out += '\0';
  return out.append(content).append(padding, '\0');
}

inline std::string write_length(std::size_t length, bool always_long) {
  if (length < 128 && !always_long) return {static_cast<char>(length)};
  std::string out;
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out += static_cast<char>((length >> shift) + (shift == 24 ? 128 : 0));
  return out;
}

inline std::string write_params(const Params& params, bool always_long = false) {
  std::string out;
  for (const auto& [name, value] : params) {
    out += write_length(name.size(), always_long) + write_length(value.size(), always_long);
    out += name + value;
  }
  return out;
}

inline std::string write_begin(bool keep, unsigned id = 1) {
  return write_record(kBegin, {"\0\1\0\0\0\0\0\0", 8}, id).replace(10, 1, 1, keep ? '\1' : '\0');
}

/// Records of at most `size` bytes, and the empty one behind them.
inline std::string write_stream(unsigned type, std::string_view content, unsigned id = 1,
                                std::size_t size = 65535, unsigned padding = 0) {
  std::string out;
  for (; !content.empty(); content.remove_prefix(std::min(size, content.size())))
    out += write_record(type, content.substr(0, size), id, padding);
  return out + write_record(type, "", id);
}

/// As a web server sends it.
inline std::string write_request(const Params& params, std::string_view body = {}) {
  return write_begin(false) + write_stream(kParams, write_params(params)) + write_stream(kStdin, body);
}

}  // namespace blobvalet::fuzz
