#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace blobvalet {

/// An IPv4 or IPv6 address. An IPv4 address that comes as IPv6 (`::ffff:10.0.0.1`, RFC 4291 section 2.5.5.2)
/// is the same as the plain one.
class IpAddress {
 public:
  using Bytes = std::array<unsigned char, 16>;

  /// An address as IPv6 has it.
  explicit IpAddress(const Bytes& bytes) : bytes_(bytes) {}
  /// Four bytes of IPv4.
  explicit IpAddress(const std::array<unsigned char, 4>& bytes);
  /// `10.0.0.1` (four decimal numbers without leading zeros) or `fd00::1` (RFC 4291 section 2.2); nothing for
  /// any other text, zones and brackets included.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] const Bytes& bytes() const { return bytes_; }
  [[nodiscard]] bool is_ipv4() const;
  /// `0.0.0.0` or `::`, by which a socket listens on all of a machine's addresses.
  [[nodiscard]] bool is_unspecified() const;
  /// True for addresses that the internet does not lead to: loopback, link-local, private (RFC 1918, RFC
  /// 4193) and shared by a provider's customers (RFC 6598).
  [[nodiscard]] bool is_private() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  Bytes bytes_;
};

/// All addresses that begin with the same bits, such as `10.0.0.0/24`, `fd00:1::/64` or one alone.
class IpNetwork {
 public:
  /// An address, or one with the number of its leading bits that count, all others being zero; nothing for
  /// any other text.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const;

 private:
  IpNetwork(const IpAddress& first, std::size_t bits) : first_(first), bits_(bits) {}

  IpAddress first_;
  std::size_t bits_;  ///< of 128
};

/// True if one of `networks` contains `address`.
[[nodiscard]] bool contains(const std::vector<IpNetwork>& networks, const IpAddress& address);

}  // namespace blobvalet
