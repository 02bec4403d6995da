#include "core/signing_key.hpp"

#include <array>

#include "core/base64.hpp"
#include "core/hexadecimal.hpp"
#include "core/sha256.hpp"

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

const SecretBytes& secret_of(const SigningKey& key) {
  if (const auto* account = std::get_if<AccountKey>(&key)) return account->bytes();
  return std::get<UserDelegationKey>(key).value;
}

KeyFingerprint::KeyFingerprint(const SigningKey& key) {
  const auto digest = sha256(secret_of(key).reveal());
  for (std::size_t i = 0; i < sizeof number_; ++i)
    number_ = number_ << 8U | digest.at(i);
}

std::string KeyFingerprint::text() const {
  std::array<unsigned char, sizeof number_> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<unsigned char>(number_ >> (8 * (bytes.size() - 1 - i)));
  return hexadecimal(bytes);
}

}  // namespace blobvalet
