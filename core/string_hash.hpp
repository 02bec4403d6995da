#pragma once
#include <functional>
#include <string_view>

namespace blobvalet {

/// Lets an unordered_map keyed by std::string be searched with a view, without making a string.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

}  // namespace blobvalet
