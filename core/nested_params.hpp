#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.hpp"

namespace blobvalet {

/// True for names that would reach an object's prototype once JavaScript code copies them into another
/// object: `__proto__` anywhere, and `prototype` below `constructor`. `parent` is the name one level up.
[[nodiscard]] bool pollutes_prototypes(std::string_view parent, std::string_view name);

/// The page's parameters as a JSON object: `user[deep][x]=1` becomes `{"user":{"deep":{"x":"1"}}}`, and a
/// list
/// (`tags[0]`, `tags[1]`) an object with the keys `0` and `1`. Every value is text. Parameters that would
/// pollute prototypes are left out. Errors: bad_request (a key is both a value and an object).
[[nodiscard]] Result<std::string> nested_json(const std::vector<std::pair<std::string, std::string>>& params);

}  // namespace blobvalet
