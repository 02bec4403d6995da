#include "core/signing_key.hpp"

#include "core/base64.hpp"

namespace blobvalet {
namespace {

constexpr std::size_t kShortestKeyBytes = 16;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kWhiteSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kWhiteSpace) - first + 1);
}

}  // namespace

std::optional<AccountKey> AccountKey::parse(std::string_view base64) {
  auto bytes = decode_base64(trim(base64));
  if (!bytes || bytes->size() < kShortestKeyBytes) return std::nullopt;
  return AccountKey(std::move(*bytes));
}

}  // namespace blobvalet
