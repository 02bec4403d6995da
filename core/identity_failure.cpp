#include "core/identity_failure.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/static_text.hpp"

namespace blobvalet {
namespace {

StaticText describe(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::unreachable: return "cannot be reached";
    case HttpFailure::timed_out: return "did not answer in time";
    case HttpFailure::untrusted: return "shows a certificate that is not trusted";
    case HttpFailure::too_large: return "gave an answer that is too large";
    case HttpFailure::malformed: return "does not speak HTTP";
  }
  return "";
}

/// The authority of a URL with this scheme; nothing if it has another.
std::optional<std::string_view> authority_of(std::string_view url, std::string_view scheme) {
  if (lower_case(url.substr(0, scheme.size())) != scheme) return std::nullopt;
  url.remove_prefix(scheme.size());
  return url.substr(0, url.find('/'));
}

/// `host` or `host:port` of this machine.
bool is_loopback(std::string_view authority) {
  constexpr std::array<std::string_view, 3> kHosts{"127.0.0.1", "localhost", "[::1]"};
  return std::ranges::any_of(kHosts, [&](std::string_view host) {
    if (!authority.starts_with(host)) return false;
    const std::string_view rest = authority.substr(host.size());
    return rest.empty() ||
           (rest.size() > 1 && rest[0] == ':' && rest.find_first_not_of("0123456789", 1) == rest.npos);
  });
}

}  // namespace

IdentityFailure no_answer(std::string_view who, HttpFailure failure) {
  IdentityFailure result;
  result.reason.append(who).append(" ").append(describe(failure).view());
  result.is_final = failure == HttpFailure::untrusted;
  return result;
}

bool is_confidential_url(std::string_view url) {
  if (!is_printable(url) || url.find_first_of("@?#\\") != std::string_view::npos) return false;
  if (const auto authority = authority_of(url, "https://")) return !authority->empty();
  const auto authority = authority_of(url, "http://");
  return authority && is_loopback(*authority);
}

bool is_printable(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

std::string first_line(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  std::string line(text.substr(0, std::min(text.find_first_of("\r\n"), kLongest)));
  std::ranges::replace_if(
      line, [](char c) { return c < ' ' || c >= 0x7f; }, '?');
  return line;
}

}  // namespace blobvalet
