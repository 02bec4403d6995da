#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "core/name_pattern.hpp"
#include "core/utf8.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {

// A second implementation of name patterns, which knows of none of the shortcuts.

/// A pattern as a row of signs, its parameters filled in.
struct Sign {
  enum class Kind { literal, any_in_segment, any_rest, nothing } kind;
  char literal = '\0';
};

inline bool may_be_a_segment(std::string_view value) {
  if (value.empty() || value == "." || value == "..") return false;
  if (value.starts_with(' ') || value.ends_with(' ') || !is_utf8(value)) return false;
  return std::ranges::none_of(value,
                              [](char c) { return (c >= 0 && c < 32) || c == 127 || c == '/' || c == '\\'; });
}

inline void add_segment(std::vector<Sign>& signs, const std::string& segment, const Caller& caller) {
  if (segment.starts_with('{')) {
    const std::string_view value =
        segment == "{user}" ? caller.user : caller.value_of(segment.substr(1, segment.size() - 2));
    if (!may_be_a_segment(value)) signs.push_back({Sign::Kind::nothing});
    for (const char c : value)
      signs.push_back({Sign::Kind::literal, c});
    return;
  }
  const bool has_rest = segment.ends_with("**");
  for (const char c : has_rest ? segment.substr(0, segment.size() - 2) : segment) {
    signs.push_back({c == '*' ? Sign::Kind::any_in_segment : Sign::Kind::literal, c});
  }
  if (has_rest) signs.push_back({Sign::Kind::any_rest});
}

/// row[i]: the first i bytes of the name fit the signs so far.
using Row = std::vector<bool>;

inline Row next_row(const Row& row, const Sign& sign, std::string_view name) {
  Row next(row.size(), false);
  for (std::size_t i = 0; i < row.size(); ++i) {
    switch (sign.kind) {
      case Sign::Kind::nothing: break;
      case Sign::Kind::literal: next[i] = i > 0 && row[i - 1] && name[i - 1] == sign.literal; break;
      case Sign::Kind::any_in_segment:
        next[i] = row[i] || (i > 0 && next[i - 1] && name[i - 1] != '/');
        break;
      case Sign::Kind::any_rest: next[i] = i > 0 && (row[i - 1] || next[i - 1]); break;
    }
  }
  return next;
}

/// As README words it; `pattern` is one that NamePattern takes.
inline bool slowly_matches(std::string_view pattern, std::string_view name, const Caller& caller) {
  std::vector<Sign> signs;
  const auto segments = split(pattern, '/');
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (i > 0) signs.push_back({Sign::Kind::literal, '/'});
    add_segment(signs, segments[i], caller);
  }
  Row row(name.size() + 1, false);
  row[0] = true;
  for (const Sign& sign : signs)
    row = next_row(row, sign, name);
  return row[name.size()];
}

}  // namespace blobvalet::fuzz
