#include "core/uuid.hpp"

#include <algorithm>

#include "core/hexadecimal.hpp"
#include "core/sha256.hpp"

namespace blobvalet {
namespace {

constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

}  // namespace

bool is_uuid(std::string_view text) {
  const auto fits = [](char c, char shape) { return shape == 'x' ? hexadecimal_value(c) >= 0 : c == shape; };
  return std::ranges::equal(text, kShape, fits);
}

std::string uuid_from(std::string_view text) {
  std::string digits = sha256_hex(text);
  digits[12] = '8';                                            // the version
  digits[16] = "89ab"[static_cast<unsigned>(digits[16]) % 4];  // the variant: bits 10
  std::string uuid(kShape);
  auto digit = digits.begin();
  for (char& c : uuid) {
    if (c == 'x') c = *digit++;
  }
  return uuid;
}

}  // namespace blobvalet
