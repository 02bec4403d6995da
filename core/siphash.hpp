#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace blobvalet {

/// SipHash-2-4 ("SipHash: a fast short-input PRF", Aumasson and Bernstein, 2012): a hash whose collisions
/// nobody can make who does not know the key.
[[nodiscard]] std::uint64_t siphash(const std::array<std::uint64_t, 2>& key, std::string_view text);

}  // namespace blobvalet
