#include "core/ip_address.hpp"

#include <algorithm>
#include <charconv>
#include <span>

namespace blobvalet {
namespace {

constexpr std::size_t kBits = 128;
constexpr std::size_t kIpv4Offset = 12;  // bytes before the IPv4 address within a mapped one
constexpr std::array<unsigned char, kIpv4Offset> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// A number that is written in `base` without a sign, in at most `max_digits` digits.
std::optional<unsigned> number(std::string_view text, int base, std::size_t max_digits, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  if (!is_whole || text.size() > max_digits || value > max) return std::nullopt;
  return value;
}

/// Without a leading zero, which some readers take for octal.
std::optional<unsigned> decimal(std::string_view text, unsigned max) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return number(text, 10, 3, max);
}

/// Takes the text up to the next `separator`, or all of it, off the front.
std::string_view take_part(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

std::optional<std::array<unsigned char, 4>> parse_ipv4(std::string_view text) {
  if (std::ranges::count(text, '.') != 3) return std::nullopt;
  std::array<unsigned char, 4> bytes{};
  for (unsigned char& byte : bytes) {
    const auto part = decimal(take_part(text, '.'), 255);
    if (!part) return std::nullopt;
    byte = static_cast<unsigned char>(*part);
  }
  return bytes;
}

/// Groups of an IPv6 address that stand on one side of its `::`, or all of them. An IPv4 address may stand
/// for the last two.
bool append_groups(std::vector<unsigned char>& bytes, std::string_view text, bool may_end_in_ipv4) {
  if (text.empty()) return true;
  if (text.back() == ':') return false;
  while (!text.empty()) {
    const std::string_view part = take_part(text, ':');
    if (may_end_in_ipv4 && text.empty() && part.find('.') != std::string_view::npos) {
      const auto ipv4 = parse_ipv4(part);
      if (!ipv4) return false;
      bytes.insert(bytes.end(), ipv4->begin(), ipv4->end());
      return true;
    }
    const auto group = number(part, 16, 4, 0xffff);
    if (!group) return false;
    bytes.push_back(static_cast<unsigned char>(*group >> 8U));
    bytes.push_back(static_cast<unsigned char>(*group & 0xffU));
  }
  return true;
}

std::optional<IpAddress::Bytes> parse_ipv6(std::string_view text) {
  constexpr std::size_t kLongest = 45;  // RFC 4291: six groups and an IPv4 address
  if (text.size() > kLongest) return std::nullopt;
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  std::vector<unsigned char> front;
  std::vector<unsigned char> back;
  if (!append_groups(front, text.substr(0, gap), !has_gap)) return std::nullopt;
  if (has_gap && !append_groups(back, text.substr(gap + 2), true)) return std::nullopt;
  IpAddress::Bytes bytes{};
  const std::size_t given = front.size() + back.size();
  if (has_gap ? given >= bytes.size() : given != bytes.size()) return std::nullopt;
  std::ranges::copy(front, bytes.begin());
  std::ranges::copy(back, bytes.end() - static_cast<std::ptrdiff_t>(back.size()));
  return bytes;
}

/// True if the first `bits` bits are the same.
bool begin_alike(const IpAddress::Bytes& a, const IpAddress::Bytes& b, std::size_t bits) {
  const auto whole = static_cast<std::ptrdiff_t>(bits / 8);
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  if (bits % 8 == 0) return true;
  const unsigned mask = 0xff00U >> (bits % 8);
  const auto next = static_cast<std::size_t>(whole);
  return ((static_cast<unsigned>(a[next]) ^ b[next]) & mask & 0xffU) == 0;
}

bool ends_in_zeros(const IpAddress::Bytes& bytes, std::size_t bits) {
  for (std::size_t bit = bits; bit < kBits; ++bit) {
    if ((bytes[bit / 8] & (0x80U >> (bit % 8))) != 0) return false;
  }
  return true;
}

const std::vector<IpNetwork>& private_networks() {
  static const std::vector<IpNetwork> networks = [] {
    std::vector<IpNetwork> all;
    for (const char* text : {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16",
                             "100.64.0.0/10", "::1", "fe80::/10", "fc00::/7"})
      all.push_back(*IpNetwork::parse(text));
    return all;
  }();
  return networks;
}

}  // namespace

IpAddress::IpAddress(const std::array<unsigned char, 4>& bytes) : bytes_{} {
  std::ranges::copy(kMapped, bytes_.begin());
  std::ranges::copy(bytes, bytes_.begin() + kIpv4Offset);
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto ipv4 = parse_ipv4(text)) return IpAddress(*ipv4);
  if (const auto ipv6 = parse_ipv6(text)) return IpAddress(*ipv6);
  return std::nullopt;
}

bool IpAddress::is_ipv4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

bool IpAddress::is_unspecified() const {
  return ends_in_zeros(bytes_, is_ipv4() ? kIpv4Offset * 8 : 0);
}

bool IpAddress::is_private() const {
  return blobvalet::contains(private_networks(), *this);
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return IpNetwork(*address, kBits);
  // Written as IPv6, a mapped address counts all of its bits.
  const bool is_ipv4_text = text.find(':') == std::string_view::npos;
  const std::size_t before = is_ipv4_text ? kIpv4Offset * 8 : 0;
  const auto bits = decimal(text.substr(slash + 1), static_cast<unsigned>(kBits - before));
  if (!bits || !ends_in_zeros(address->bytes(), before + *bits)) return std::nullopt;
  return IpNetwork(*address, before + *bits);
}

bool IpNetwork::contains(const IpAddress& address) const {
  return begin_alike(first_.bytes(), address.bytes(), bits_);
}

bool contains(const std::vector<IpNetwork>& networks, const IpAddress& address) {
  return std::ranges::any_of(networks, [&](const IpNetwork& network) { return network.contains(address); });
}

}  // namespace blobvalet
