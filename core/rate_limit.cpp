#include "core/rate_limit.hpp"

#include <span>

#include "core/ip_address.hpp"

namespace blobvalet {
namespace {

void append_address(std::string& out, std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address) {
    out.append("?").append(text);
    return;
  }
  const std::span<const unsigned char> bytes(address->bytes());
  out.append(address->is_ipv4() ? "4" : "6");
  for (const unsigned char byte : address->is_ipv4() ? bytes.last(4) : bytes.first(8))
    out.push_back(static_cast<char>(byte));
}

}  // namespace

void append_limit_identity(std::string& out, std::string_view rule, const Caller& caller) {
  // The length keeps rule and name apart, whatever they hold.
  out.append(std::to_string(rule.size())).append(":").append(rule);
  if (!caller.user.empty()) {
    out.append("u").append(caller.user);
    return;
  }
  append_address(out, caller.remote_addr);
}

}  // namespace blobvalet
