#include "core/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace blobvalet {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::size_t count_padding(std::string_view text) {
  if (text.ends_with("==")) return 2;
  return text.ends_with('=') ? 1 : 0;
}

// One padding character leaves 2 unused bits in the last character before it, two leave 4; a strict decoder
// wants them zero, or several texts would mean the same key.
bool unused_bits_are_zero(char last, std::size_t padding) {
  const std::size_t mask = padding == 2 ? 0xf : padding == 1 ? 0x3 : 0;
  return (kAlphabet.find(last) & mask) == 0;
}

}  // namespace

std::optional<std::size_t> decoded_base64_size(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > 1U << 20) return std::nullopt;
  const std::size_t padding = count_padding(text);
  const std::string_view digits = text.substr(0, text.size() - padding);
  if (digits.find_first_not_of(kAlphabet) != std::string_view::npos) return std::nullopt;
  if (!unused_bits_are_zero(digits.back(), padding)) return std::nullopt;
  return text.size() / 4 * 3 - padding;
}

std::optional<SecretBytes> decode_base64(std::string_view text) {
  const auto size = decoded_base64_size(text);
  if (!size) return std::nullopt;
  SecretBytes bytes(text.size() / 4 * 3);
  const int written =
      EVP_DecodeBlock(bytes.reveal_mutable().data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (written < 0) return std::nullopt;
  bytes.shrink(*size);
  return bytes;
}

std::array<char, 44> encode_base64(std::span<const unsigned char, 32> digest) {
  std::array<unsigned char, 45> text{};  // EVP_EncodeBlock ends its text with a NUL
  EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
  std::array<char, 44> result{};
  std::copy_n(text.begin(), result.size(), result.begin());
  return result;
}

SecretBytes encode_base64(const SecretBytes& bytes) {
  const std::size_t size = (bytes.size() + 2) / 3 * 4;
  SecretBytes text(size + 1);  // and a NUL
  EVP_EncodeBlock(text.reveal_mutable().data(), bytes.reveal().data(), static_cast<int>(bytes.size()));
  text.shrink(size);
  return text;
}

}  // namespace blobvalet
