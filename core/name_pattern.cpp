#include "core/name_pattern.hpp"

#include <algorithm>

#include "core/utf8.hpp"

namespace blobvalet {
namespace {

/// Matches `*` against any text; linear but for the retries after the last `*`, so that no pattern is a way
/// to make us slow.
bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_text = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      star_text = t;
    } else if (g < glob.size() && glob[g] == text[t]) {
      ++g;
      ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

bool is_parameter_name(std::string_view name) {
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  return !name.empty() && name.find_first_not_of(kCharacters) == std::string_view::npos;
}

}  // namespace

std::string_view Caller::value_of(std::string_view name) const {
  if (name == "user") return user;
  const auto var = std::ranges::find(vars, name, &NamedValue::name);
  return var == vars.end() ? std::string_view{} : var->value;
}

bool is_segment_value(std::string_view value) {
  if (value.empty() || value == "." || value == "..") return false;
  if (value.front() == ' ' || value.back() == ' ') return false;
  const auto refused = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '/' || c == '\\';
  };
  return std::ranges::none_of(value, refused) && is_utf8(value);
}

std::optional<NamePattern::Segment> NamePattern::parse_segment(std::string_view text, bool is_last,
                                                               std::string& fault) {
  if (text == "." || text == "..") fault = "has a segment . or ..";
  if (text.find('\\') != std::string_view::npos) fault = "has a backslash";
  if (!fault.empty()) return std::nullopt;

  if (text.find_first_of("{}") != std::string_view::npos) {
    const bool whole = text.starts_with('{') && text.ends_with('}') && text.size() > 2;
    if (whole && is_parameter_name(text.substr(1, text.size() - 2))) {
      return Segment{Kind::parameter, std::string(text.substr(1, text.size() - 2))};
    }
    fault = "{name} must be a whole segment, its name of a-z, 0-9 and _";
    return std::nullopt;
  }
  if (text.find("**") == std::string_view::npos) return Segment{Kind::glob, std::string(text)};
  const std::string_view literal = text.substr(0, text.size() - 2);
  if (is_last && text.ends_with("**") && literal.find('*') == std::string_view::npos) {
    return Segment{Kind::rest, std::string(literal)};
  }
  fault = "** may only stand once, at the end";
  return std::nullopt;
}

std::optional<NamePattern> NamePattern::parse(std::string_view text, bool allow_empty_segments,
                                              std::string& fault) {
  fault.clear();
  NamePattern pattern;
  while (true) {
    const std::size_t end = std::min(text.find('/'), text.size());
    const bool is_last = end == text.size();
    if (end == 0 && !allow_empty_segments) {
      fault = "has an empty segment";
      return std::nullopt;
    }
    auto segment = parse_segment(text.substr(0, end), is_last, fault);
    if (!segment) return std::nullopt;
    pattern.segments_.push_back(std::move(*segment));
    if (is_last) return pattern;
    text.remove_prefix(end + 1);
  }
}

bool NamePattern::matches(std::string_view blob_name, const Caller& caller) const {
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    if (segment.kind == Kind::rest) {
      return blob_name.starts_with(segment.text) && blob_name.size() > segment.text.size();
    }
    const std::size_t end = std::min(blob_name.find('/'), blob_name.size());
    const std::string_view part = blob_name.substr(0, end);
    if (segment.kind == Kind::parameter) {
      const std::string_view value = caller.value_of(segment.text);
      if (part != value || !is_segment_value(value)) return false;
    } else if (!glob_matches(segment.text, part)) {
      return false;
    }
    const bool last_segment = i + 1 == segments_.size();
    const bool last_part = end == blob_name.size();
    if (last_segment || last_part) return last_segment && last_part;
    blob_name.remove_prefix(end + 1);
  }
  return false;
}

bool NamePattern::has_parameter(std::string_view name) const {
  const auto is_it = [&](const Segment& s) { return s.kind == Kind::parameter && s.text == name; };
  return std::ranges::any_of(segments_, is_it);
}

std::string NamePattern::text() const {
  return text_for({});
}

void NamePattern::add_parameters(std::vector<std::string>& names) const {
  for (const Segment& segment : segments_) {
    if (segment.kind != Kind::parameter || segment.text == "user") continue;
    if (std::ranges::find(names, segment.text) == names.end()) names.push_back(segment.text);
  }
}

std::optional<std::string> NamePattern::prefix_for(const Caller& caller) const {
  std::string prefix;
  for (const Segment& segment : segments_) {
    if (&segment != &segments_.front()) prefix.push_back('/');
    if (segment.kind == Kind::parameter) {
      const std::string_view value = caller.value_of(segment.text);
      if (!is_segment_value(value)) return std::nullopt;
      prefix.append(value);
      continue;
    }
    const std::size_t star = segment.text.find('*');
    prefix.append(segment.text, 0, star);
    if (star != std::string::npos) return prefix;
  }
  return prefix;  // `**`, of which only the literal text before it is kept, is always the last
}

std::vector<std::string> NamePattern::literals() const {
  std::vector<std::string> literals(1);
  for (const Segment& segment : segments_) {
    if (&segment != &segments_.front()) literals.back().push_back('/');
    if (segment.kind == Kind::parameter) {
      literals.emplace_back();
      continue;
    }
    const std::size_t star = segment.text.find('*');
    literals.back().append(segment.text, 0, star);
    if (star != std::string::npos) break;
  }
  return literals;  // `**`, of which only the literal text before it is kept, is always the last
}

std::string NamePattern::text_for(const Caller& caller) const {
  std::string text;
  for (const Segment& segment : segments_) {
    if (&segment != &segments_.front()) text.push_back('/');
    const std::string_view value =
        segment.kind == Kind::parameter ? caller.value_of(segment.text) : std::string_view{};
    if (segment.kind != Kind::parameter) {
      text.append(segment.text);
    } else if (is_segment_value(value)) {
      text.append(value);
    } else {
      text.append("{").append(segment.text).append("}");
    }
    if (segment.kind == Kind::rest) text.append("**");
  }
  return text;
}

}  // namespace blobvalet
