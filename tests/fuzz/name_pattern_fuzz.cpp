// Name patterns against a second implementation. Input: pattern, user, tenant and name, a line feed between
// them.
#include <array>

#include "core/name_pattern.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"
#include "tests/fuzz/slow_pattern.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  auto fields = fuzz::split(fuzz::as_text(data, size), '\n');
  fields.resize(4);
  const std::string& text = fields[0];
  const std::array<NamedValue, 1> vars{{{"tenant", fields[2]}}};
  const Caller caller{fields[1], "", vars};
  const std::string& name = fields[3];

  std::string fault;
  const auto pattern = NamePattern::parse(text, true, fault);
  fuzz::require(pattern.has_value() == fault.empty(), "a refusal says what is wrong");
  const bool has_empty_segment =
      text.empty() || text.front() == '/' || text.back() == '/' || text.find("//") != text.npos;
  fuzz::require(NamePattern::parse(text, false, fault).has_value() == (pattern && !has_empty_segment),
                "empty segments are all that the stricter reading refuses");
  if (!pattern) return 0;
  fuzz::require(pattern->matches(name, caller) == fuzz::slowly_matches(text, name, caller),
                "the same verdict as the second implementation");
  fuzz::require(pattern->has_parameter("user") == (("/" + text + "/").find("/{user}/") != text.npos),
                "has_parameter sees {user} and nothing else");
  return 0;
}
