#include "core/blob_target.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/percent_encoding.hpp"
#include "core/utf8.hpp"

namespace blobvalet {
namespace {

// Scheme and authority of an endpoint; a longer one in a request cannot be ours.
constexpr std::size_t kMaxOrigin = 300;

bool is_container_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/// Takes the first segment off `path`: what stands before the first slash, which is dropped.
std::string_view take_segment(std::string_view& path) {
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(std::min(end + 1, path.size()));
  return segment;
}

/// Takes one dot, also a percent-written one, off the front of `text`.
bool take_dot(std::string_view& text) {
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    return true;
  }
  if (!begins_with(text, "%2e") && !begins_with(text, "%2E")) return false;
  text.remove_prefix(3);
  return true;
}

// URL parsers collapse `.` and `..`, many of them `%2e` too, before a request leaves the browser, so that a
// signature for such a name could only ever fit another blob.
bool is_dot_segment(std::string_view segment) {
  if (!take_dot(segment)) return false;
  return segment.empty() || (take_dot(segment) && segment.empty());
}

bool is_refused(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7f && c <= 0x9f);
  const bool private_use = c >= 0xe000 && c <= 0xf8ff;
  const bool non_character =
      (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xfff0 && c <= 0xffff) || (c & 0xfffeU) == 0xfffe;
  return control || private_use || non_character;
}

tl::unexpected<Error> bad_name(StaticText what) {
  return refuse(Errc::bad_blob_name, "blob name", what);
}

struct Segments {
  std::size_t count = 0;
  bool has_empty = false;
  bool has_dots = false;
};

Segments look_at_segments(std::string_view name) {
  Segments found;
  while (true) {
    const std::size_t end = std::min(name.find('/'), name.size());
    const std::string_view segment = name.substr(0, end);
    ++found.count;
    found.has_empty |= segment.empty();
    found.has_dots |= is_dot_segment(segment);
    if (end == name.size()) return found;
    name.remove_prefix(end + 1);
  }
}

/// An endpoint's path: empty, or `/segment` once or more, of characters that no URL escapes.
bool is_plain_path(std::string_view path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  if (path.empty()) return true;
  const Segments segments = look_at_segments(path.substr(1));
  return !segments.has_empty && !segments.has_dots &&
         path.find_first_not_of(kPlain) == std::string_view::npos;
}

/// How many characters that every name may have, and that are one UTF-16 unit each, `text` begins with.
std::size_t plain_run(std::string_view text) {
  const auto is_plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '\\'; };
  return static_cast<std::size_t>(std::ranges::find_if_not(text, is_plain) - text.begin());
}

/// Counts UTF-16 units; refuses characters that Azure does not store or cannot list again.
Result<std::size_t> count_legal_units(std::string_view name) {
  std::size_t units = 0;
  while (true) {
    const std::size_t plain = plain_run(name);
    units += plain;
    name.remove_prefix(plain);
    if (name.empty()) return units;
    const auto c = take_code_point(name);
    if (!c) return refuse(Errc::bad_encoding, "blob name", "is not valid UTF-8");
    if (*c == U'\\') return bad_name("has a backslash; use / between folders");
    if (is_refused(*c)) return bad_name("has a control, private-use or non-character");
    units += *c > 0xffff ? 2U : 1U;
  }
}

}  // namespace

std::optional<ContainerName> ContainerName::parse(std::string_view text) {
  if (text == "$root" || text == "$web") return ContainerName(text);
  if (text.size() < 3 || text.size() > 63) return std::nullopt;
  if (!std::ranges::all_of(text, is_container_character)) return std::nullopt;
  if (text.starts_with('-') || text.ends_with('-')) return std::nullopt;
  if (text.find("--") != std::string_view::npos) return std::nullopt;
  return ContainerName(text);
}

Result<BlobName> BlobName::parse(std::string_view text) {
  if (text.empty()) return bad_name("is empty");
  const Result<std::size_t> units = count_legal_units(text);
  if (!units) return tl::unexpected(units.error());
  if (*units > kMaxUtf16Units) return bad_name("is longer than 1,024 characters");
  const Segments segments = look_at_segments(text);
  if (segments.has_dots) return bad_name("has a segment . or .. which URLs cannot carry");
  if (segments.count > kMaxSegments) return bad_name("has more than 254 segments");
  return BlobName(text, segments.has_empty);
}

std::optional<EndpointUrl> EndpointUrl::parse(std::string_view text) {
  EndpointUrl endpoint;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  const std::size_t authority = scheme_end + 3;
  const std::size_t path = std::min(text.find('/', authority), text.size());
  std::ranges::transform(text.substr(0, path), std::back_inserter(endpoint.origin), to_lower);
  endpoint.path = text.substr(path);
  if (endpoint.path.ends_with('/')) endpoint.path.pop_back();

  const std::string_view host = std::string_view(endpoint.origin).substr(authority);
  const std::string_view scheme = std::string_view(endpoint.origin).substr(0, authority);
  if (scheme != "https://" && scheme != "http://") return std::nullopt;
  const bool plain_host =
      !host.empty() &&
      host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.:[]") == std::string_view::npos;
  const bool plain_path = is_plain_path(endpoint.path);
  if (!plain_host || !plain_path || endpoint.origin.size() > kMaxOrigin) return std::nullopt;
  return endpoint;
}

bool EndpointTable::add(const EndpointUrl& endpoint, std::size_t account_index, std::string_view account) {
  Origin& origin = by_origin_[endpoint.origin];
  const std::size_t length = endpoint.path.size();
  const Entry entry{endpoint.url(), length, account_index, std::string(account)};
  if (!origin.by_path.try_emplace(endpoint.path, entry).second) return false;
  // So that the most specific endpoint is found.
  const auto place = std::ranges::lower_bound(origin.lengths, length, std::greater{});
  if (place == origin.lengths.end() || *place != length) origin.lengths.insert(place, length);
  if (account_urls_.size() <= account_index) account_urls_.resize(account_index + 1);
  if (account_urls_[account_index].empty()) account_urls_[account_index] = endpoint.url();
  return true;
}

const EndpointTable::Entry* EndpointTable::find(std::string_view origin, std::string_view rest) const {
  std::array<char, kMaxOrigin> lower{};
  if (origin.size() > lower.size()) return nullptr;
  std::ranges::transform(origin, lower.begin(), to_lower);
  const auto found = by_origin_.find(std::string_view(lower.data(), origin.size()));
  if (found == by_origin_.end()) return nullptr;
  for (const std::size_t length : found->second.lengths) {
    if (!rest.substr(std::min(length, rest.size())).starts_with('/')) continue;
    const auto entry = found->second.by_path.find(rest.substr(0, length));
    if (entry != found->second.by_path.end()) return &entry->second;
  }
  return nullptr;
}

Result<BlobTarget> EndpointTable::parse(std::string_view blob_uri, BlobNames names,
                                        std::string& decoded) const {
  const std::size_t scheme_end = blob_uri.find("://");
  const std::size_t path = scheme_end == std::string_view::npos
                               ? 0
                               : std::min(blob_uri.find('/', scheme_end + 3), blob_uri.size());
  std::string_view rest = blob_uri.substr(path);
  const Entry* entry = find(blob_uri.substr(0, path), rest);
  if (entry == nullptr) {
    return refuse(
        Errc::unknown_endpoint, "bloburi",
        "is not at an endpoint of this site; check request.endpoint, and that no form's action took "
        "its place");
  }
  rest.remove_prefix(entry->path_length + 1);

  const auto container = ContainerName::parse(take_segment(rest));
  if (!container) return refuse(Errc::not_allowed, "bloburi", "is not allowed", "no legal container name");
  if (names == BlobNames::uri) {
    if (rest.find_first_of("?#") != std::string_view::npos) {
      return refuse(Errc::bad_request, "bloburi", "has a query or a fragment");
    }
    decoded.clear();
    if (!append_percent_decoded(decoded, rest)) {
      return refuse(Errc::bad_encoding, "bloburi", "has a malformed percent escape");
    }
    rest = decoded;
  }
  const Result<BlobName> blob = BlobName::parse(rest);
  if (!blob) return tl::unexpected(blob.error());
  return BlobTarget{entry->account_index, entry->account, entry->url, account_urls_[entry->account_index],
                    *container,           *blob};
}

}  // namespace blobvalet
