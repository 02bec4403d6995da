#include "core/sas_url.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"

namespace blobvalet {
namespace {

constexpr std::array<std::string_view, 6> kKeyFields{"skoid", "sktid", "skt", "ske", "sks", "skv"};

/// The first word of `text` that holds `needle`, without quotes and brackets around it. A name may hold raw
/// blanks, so that a URL that begins the text ends with its line.
std::string_view cut_out(std::string_view text, std::string_view needle) {
  const std::size_t at = text.find(needle);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at);
  return text.substr(0, text.find_first_of("\r\n\"<>`"));
}

void read_query(std::string_view query, std::vector<SasUrl::Parameter>& parameters) {
  FormReader reader(query);
  while (const auto pair = reader.next()) {
    SasUrl::Parameter parameter;
    parameter.name = decoded_or_same(pair->name);
    parameter.raw = pair->value;
    parameter.is_malformed = !append_percent_decoded(parameter.value, pair->value);
    if (parameter.is_malformed) parameter.value = pair->value;
    parameters.push_back(std::move(parameter));
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r\n'"), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(" \t\r\n'") + 1);
}

/// Account names are `a-z 0-9`; secondary and routing endpoints put something behind them.
std::string account_of_host(std::string_view host) {
  std::string_view name = host.substr(0, host.find_first_of(".:"));
  for (const std::string_view suffix : {"-secondary", "-internetrouting", "-microsoftrouting"}) {
    if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  }
  return std::string(name);
}

}  // namespace

std::string decoded_or_same(std::string_view text) {
  std::string decoded;
  return append_percent_decoded(decoded, text) ? decoded : std::string(text);
}

std::optional<SasUrl> SasUrl::parse(std::string_view text) {
  SasUrl url;
  std::string_view rest = cut_out(text, "https://");
  if (rest.empty()) rest = cut_out(text, "http://");
  rest = trimmed(rest);
  if (rest.empty()) {
    rest = trimmed(text.substr(0, text.find('\n')));
    if (rest.starts_with('?')) rest.remove_prefix(1);
    read_query(rest, url.parameters);
    return url.is_signed() ? std::optional(url) : std::nullopt;
  }
  const std::size_t host = rest.find("://") + 3;
  const std::size_t path = std::min(rest.find_first_of("/?", host), rest.size());
  url.scheme = lower_case(rest.substr(0, host - 3));
  url.host = lower_case(rest.substr(host, path - host));
  // A name that is not encoded may hold a question mark itself; the SAS begins behind the last one.
  const std::size_t query = std::min(rest.rfind('?'), rest.size());
  url.path = rest.substr(path, std::max(query, path) - path);
  if (query < rest.size()) {
    const std::string_view parameters = rest.substr(query + 1);
    read_query(parameters.substr(0, parameters.find_first_of(" \t")), url.parameters);
  }
  return url;
}

std::string_view SasUrl::value(std::string_view name) const {
  const auto found = std::ranges::find(parameters, name, &Parameter::name);
  return found == parameters.end() ? std::string_view{} : std::string_view(found->value);
}

bool SasUrl::has(std::string_view name) const {
  return std::ranges::find(parameters, name, &Parameter::name) != parameters.end();
}

bool SasUrl::is_delegation() const {
  return std::ranges::any_of(kKeyFields, [this](std::string_view name) { return has(name); });
}

std::string guess_endpoint_path(const SasUrl& url) {
  const std::string_view name = std::string_view(url.host).substr(0, url.host.find(':'));
  const bool is_address =
      name == "localhost" || name.find_first_not_of("0123456789.") == std::string_view::npos;
  if (!is_address || url.path.empty()) return {};
  return url.path.substr(0, url.path.find('/', 1));
}

BlobLocation locate(const SasUrl& url, std::string_view endpoint_path, std::string_view account) {
  BlobLocation found;
  found.account = !account.empty()         ? std::string(account)
                  : !endpoint_path.empty() ? std::string(endpoint_path.substr(1))
                                           : account_of_host(url.host);
  std::string_view rest = url.path;
  rest.remove_prefix(std::min(endpoint_path.size() + 1, rest.size()));
  const std::size_t end = std::min(rest.find('/'), rest.size());
  found.container = decoded_or_same(rest.substr(0, end));
  found.encoded_blob = rest.substr(std::min(end + 1, rest.size()));
  found.blob = decoded_or_same(found.encoded_blob);
  return found;
}

std::optional<UtcSeconds> parse_sas_time(std::string_view text) {
  std::string full(text);
  if (text.size() == 10) full.append("T00:00:00Z");
  if (text.size() == 17 && text.ends_with('Z')) full.insert(16, ":00");
  if (text.size() > 21 && text.ends_with('Z') && text[19] == '.') {
    const std::string_view digits = text.substr(20, text.size() - 21);
    if (digits.size() > 7 || digits.find_first_not_of("0123456789") != std::string_view::npos)
      return std::nullopt;
    full = std::string(text.substr(0, 19)) + "Z";
  }
  return parse_utc(full);
}

std::string quoted_value(std::string_view text) {
  std::string shown(text);
  for (std::size_t at = shown.find('\n'); at != std::string::npos; at = shown.find('\n', at))
    shown.replace(at, 1, "\\n");
  return shown.empty() ? "(empty)" : "\"" + shown + "\"";
}

}  // namespace blobvalet
