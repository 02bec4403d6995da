#include "core/string_to_sign.hpp"

#include <algorithm>
#include <array>

#include "core/utc_time.hpp"

namespace blobvalet {
namespace {

constexpr std::size_t kResource = 3;

std::string resource_of(const BlobLocation& location) {
  std::string resource("/blob/" + location.account + "/" + location.container);
  if (!location.blob.empty()) resource.append("/").append(location.blob);
  return resource;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

/// `name:value` and a line feed for each header.
std::string bound_headers(std::string_view names, std::span<const NamedValue> headers) {
  std::string text;
  if (names.empty()) return text;
  for (const std::string_view name : split(names, ',')) {
    const auto header = std::ranges::find(headers, name, &NamedValue::name);
    text.append(name).append(":").append(header == headers.end() ? std::string_view{} : header->value);
    text.push_back('\n');
  }
  return text;
}

/// A line feed and `name:value` for each parameter.
std::string bound_parameters(const SasUrl& url) {
  std::string text;
  if (url.value("srq").empty()) return text;
  for (const std::string_view name : split(url.value("srq"), ','))
    text.append("\n").append(name).append(":").append(url.value(name));
  return text;
}

/// The snapshot's or version's time, where the SAS is for one.
std::string_view snapshot_of(const SasUrl& url) {
  if (url.value("sr") == "bs") return url.value("snapshot");
  if (url.value("sr") == "bv") return url.value("versionid");
  return {};
}

bool is_guid(std::string_view text) {
  return text.size() == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
}

/// The version that the lines name: the last plain date, since a delegation key's stands before it.
const std::string_view* version_in(const std::vector<std::string_view>& lines) {
  const std::string_view* found = nullptr;
  for (const std::string_view& line : lines) {
    if (parse_date(line)) found = &line;
  }
  return found;
}

constexpr std::size_t kResponseHeaders = 5;

/// Bound headers and parameters, which hold line feeds themselves, and the five fields behind them. Headers
/// end in a line feed, parameters begin with one, and one stands between the two fields.
void read_bound_part(std::vector<std::string_view> lines, std::vector<SignedField>& fields) {
  std::string text;
  for (std::size_t i = 0; i + kResponseHeaders < lines.size(); ++i)
    text.append(i == 0 ? "" : "\n").append(lines[i]);
  std::size_t middle = 0;
  const auto joins = [&](std::size_t at) {
    return text[at] == '\n' && (at == 0 || text[at - 1] == '\n') &&
           (at + 1 == text.size() || text[at + 1] == '\n');
  };
  while (middle < text.size() && !joins(middle))
    ++middle;
  fields.push_back({"srh", text.substr(0, middle)});
  fields.push_back({"srq", text.substr(std::min(middle + 1, text.size()))});
  lines.erase(lines.begin(), lines.end() - kResponseHeaders);
  for (std::size_t i = 0; i < kResponseHeaders; ++i)
    fields.push_back({std::array{"rscc", "rscd", "rsce", "rscl", "rsct"}.at(i), std::string(lines[i])});
}

}  // namespace

std::vector<std::string_view> signed_field_names(const SasVersion& version, bool is_delegation) {
  std::vector<std::string_view> names{"sp", "st", "se", "resource"};
  const auto add = [&](std::initializer_list<std::string_view> more) { names.insert(names.end(), more); };
  if (is_delegation) {
    add({"skoid", "sktid", "skt", "ske", "sks", "skv"});
    if (version.signs_authorized_object_ids()) add({"saoid", "suoid", "scid"});
    if (version.signs_delegated_user()) add({"skdutid", "sduoid"});
  } else {
    add({"si"});
  }
  add({"sip", "spr", "sv", "sr", "snapshot"});
  if (version.signs_encryption_scope()) add({"ses"});
  if (is_delegation && version.signs_request_headers()) add({"srh", "srq"});
  add({"rscc", "rscd", "rsce", "rscl", "rsct"});
  return names;
}

std::vector<SignedField> signed_fields(const SasUrl& url, const BlobLocation& location,
                                       const SasVersion& version, std::span<const NamedValue> headers) {
  std::vector<SignedField> fields;
  for (const std::string_view name : signed_field_names(version, url.is_delegation()))
    fields.push_back({name, std::string(url.value(name))});
  const auto set = [&](std::string_view name, std::string value) {
    const auto field = std::ranges::find(fields, name, &SignedField::name);
    if (field != fields.end()) field->value = std::move(value);
  };
  // A SAS for a container is signed for the container, whichever blob of it is asked for.
  BlobLocation signed_for = location;
  if (url.value("sr") == "c") signed_for.blob.clear();
  set("resource", resource_of(signed_for));
  set("snapshot", std::string(snapshot_of(url)));
  set("srh", bound_headers(url.value("srh"), headers));
  set("srq", bound_parameters(url));
  return fields;
}

std::string string_to_sign(std::span<const SignedField> fields) {
  std::string text;
  for (const SignedField& field : fields) {
    if (&field != &fields.front()) text.push_back('\n');
    text.append(field.value);
  }
  return text;
}

ReadStringToSign read_string_to_sign(std::string_view text) {
  ReadStringToSign read;
  std::vector<std::string_view> lines = split(text, '\n');
  if (lines.size() < kResource) {
    // A page that shows white space as one blank has put all of it on one line.
    lines = split(text, ' ');
  }
  const auto resource =
      std::ranges::find_if(lines, [](std::string_view l) { return l.starts_with("/blob/"); });
  const std::string_view* version_line = version_in(lines);
  const auto version = version_line == nullptr ? std::nullopt : SasVersion::parse(*version_line);
  read.is_account_sas = resource == lines.end();
  if (resource == lines.end() || !version) return read;
  const bool is_delegation = resource + 1 != lines.end() && is_guid(resource[1]);
  const auto names = signed_field_names(*version, is_delegation);
  const auto place = [&](std::string_view name) { return std::ranges::find(names, name) - names.begin(); };
  read.is_collapsed = resource - lines.begin() != static_cast<std::ptrdiff_t>(kResource) ||
                      version_line - lines.data() != place("sv");
  if (read.is_collapsed) {
    for (const std::string_view line : lines) {
      if (!line.empty()) read.fields.push_back({"", std::string(line)});
    }
    return read;
  }
  const std::size_t bound = lines.size() > names.size() && names.size() > kResponseHeaders + 2
                                ? names.size() - kResponseHeaders - 2
                                : names.size();
  for (std::size_t i = 0; i < bound; ++i)
    read.fields.push_back({names[i], std::string(i < lines.size() ? lines[i] : std::string_view{})});
  if (bound < names.size())
    read_bound_part({lines.begin() + static_cast<std::ptrdiff_t>(bound), lines.end()}, read.fields);
  return read;
}

}  // namespace blobvalet
