#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/http.hpp"

namespace blobvalet {

/// Who asks, as nginx vouches for it: the user and further named values for patterns.
struct Caller {
  std::string_view user;                  ///< empty: nobody
  std::string_view remote_addr;           ///< the client's address as nginx saw it
  std::span<const NamedValue> vars = {};  ///< names in lower case

  /// The value that `{name}` stands for; empty if there is none.
  [[nodiscard]] std::string_view value_of(std::string_view name) const;
};

/// True if `value` may stand for one whole segment of a blob's name: not empty, not `.` or `..`, valid UTF-8,
/// and without slash, backslash, control character or outer blank. Anything else matches no pattern.
[[nodiscard]] bool is_segment_value(std::string_view value);

/// A pattern for blob names, such as `{user}/**` or `inbox/*.jpg`:
/// `*` any text within one segment, `**` any rest (only at the end), `{name}` one whole segment that equals a
/// value of the caller. Everything else is literal, case counts.
class NamePattern {
 public:
  /// The pattern, or in `fault` what is wrong with it. An empty segment is a fault unless allowed.
  [[nodiscard]] static std::optional<NamePattern> parse(std::string_view text, bool allow_empty_segments,
                                                        std::string& fault);

  [[nodiscard]] bool matches(std::string_view blob_name, const Caller& caller) const;
  /// True if the pattern holds `{name}`.
  [[nodiscard]] bool has_parameter(std::string_view name) const;
  /// The pattern as it was written.
  [[nodiscard]] std::string text() const;
  /// The pattern with the caller's values in it: `alice/**`; `{tenant}` stays where the caller has none that
  /// may stand there.
  [[nodiscard]] std::string text_for(const Caller& caller) const;
  /// What every name that matches begins with, up to the first `*`: `alice/` for `{user}/**`, slash included.
  /// Nothing if a parameter has no value that may stand there, so that nothing matches.
  [[nodiscard]] std::optional<std::string> prefix_for(const Caller& caller) const;
  /// The texts that every name that matches holds, up to the first `*`: the one that it begins with, and then
  /// the one behind each parameter. `tenants/` and `/in/` for `tenants/{tenant}/in/*.jpg`; never empty.
  [[nodiscard]] std::vector<std::string> literals() const;
  /// Appends the names of its parameters that are not in `names` yet; `user` is none of them.
  void add_parameters(std::vector<std::string>& names) const;

 private:
  enum class Kind : std::uint8_t { glob, parameter, rest };
  struct Segment {
    Kind kind;
    std::string text;  ///< the glob, the parameter's name, or the literal text before `**`
  };
  [[nodiscard]] static std::optional<Segment> parse_segment(std::string_view text, bool is_last,
                                                            std::string& fault);
  std::vector<Segment> segments_;
};

}  // namespace blobvalet
