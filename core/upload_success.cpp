#include "core/upload_success.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "core/ascii.hpp"
#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"
#include "core/utf8.hpp"
#include "core/uuid.hpp"

namespace blobvalet {
namespace {

/// Decodes one name or value of the form.
Result<std::string> decode(std::string_view encoded) {
  std::string text;
  if (!append_form_decoded(text, encoded)) return malformed_escape("body");
  if (!is_utf8(text)) return refuse(Errc::bad_encoding, "body", "is not valid UTF-8");
  if (text.find('\0') != std::string::npos) return refuse(Errc::bad_request, "body", "holds a NUL");
  return text;
}

/// How deep a key such as `a[b][c]` nests; 0 if its brackets are malformed.
std::size_t depth_of(std::string_view key) {
  std::size_t depth = 1;
  std::size_t open = key.find_first_of("[]");
  if (open == 0) return 0;
  while (open < key.size()) {
    const std::size_t close = key.find(']', open);
    const bool well_formed = key[open] == '[' && close != std::string_view::npos &&
                             key.substr(open + 1, close - open - 1).find('[') == std::string_view::npos;
    if (!well_formed) return 0;
    ++depth;
    open = close + 1;
  }
  return depth;
}

/// The member that a key fills, or null for one of the page's own parameters.
std::string* member_of(UploadSuccess& upload, std::string_view key) {
  if (key == "blob") return &upload.blob;
  if (key == "uuid") return &upload.uuid;
  if (key == "name") return &upload.name;
  if (key == "container") return &upload.container;
  return nullptr;
}

std::optional<Error> check_complete(const UploadSuccess& upload) {
  const auto missing = [](StaticText field) { return Error{Errc::missing_parameter, field, "is missing"}; };
  if (upload.blob.empty()) return missing("blob");
  if (upload.uuid.empty()) return missing("uuid");
  if (upload.name.empty()) return missing("name");
  if (upload.container.empty()) return missing("container");
  if (!is_uuid(upload.uuid)) return Error{Errc::bad_uuid, "uuid", "must be 8-4-4-4-12 hexadecimal digits"};
  return std::nullopt;
}

/// Puts one decoded pair where it belongs.
std::optional<Error> take(UploadSuccess& upload, std::string key, std::string value, std::size_t max_depth) {
  const std::size_t depth = depth_of(key);
  if (depth == 0) return Error{Errc::bad_request, "body", "has a key with malformed brackets"};
  if (depth > max_depth) return Error{Errc::too_many_fields, "body", "nests its keys too deeply"};
  if (std::string* member = member_of(upload, key)) {
    *member = std::move(value);
  } else {
    upload.params.emplace_back(std::move(key), std::move(value));
  }
  return std::nullopt;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t'))
    text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t'))
    text.remove_suffix(1);
  return text;
}

bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, {}, to_lower);
}

bool is_acceptable_parameter(std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  if (equals == std::string_view::npos) return parameter.empty();
  if (!equals_ignoring_case(parameter.substr(0, equals), "charset")) return true;
  std::string_view charset = parameter.substr(equals + 1);
  if (charset.size() >= 2 && charset.starts_with('"') && charset.ends_with('"')) {
    charset = charset.substr(1, charset.size() - 2);
  }
  return equals_ignoring_case(charset, "utf-8");
}

}  // namespace

Result<UploadSuccess> UploadSuccess::parse(std::string_view form, const FormLimits& limits) {
  UploadSuccess upload;
  std::set<std::string> seen;  // ordered: names of one hash, which anybody can make, cost nothing more
  FormReader reader(form);
  while (const auto pair = reader.next()) {
    if (seen.size() == limits.max_fields) {
      return refuse(Errc::too_many_fields, "body", "has too many fields");
    }
    auto key = decode(pair->name);
    if (!key) return tl::unexpected(key.error());
    auto value = decode(pair->value);
    if (!value) return tl::unexpected(value.error());
    if (!seen.insert(*key).second)
      return refuse(Errc::duplicate_parameter, "body", "gives a key more than once");
    if (const auto error = take(upload, std::move(*key), std::move(*value), limits.max_depth)) {
      return tl::unexpected(*error);
    }
  }
  if (const auto error = check_complete(upload)) return tl::unexpected(*error);
  return upload;
}

bool is_form_content_type(std::string_view content_type) {
  std::size_t end = std::min(content_type.find(';'), content_type.size());
  if (!equals_ignoring_case(trim(content_type.substr(0, end)), "application/x-www-form-urlencoded"))
    return false;
  while (end < content_type.size()) {
    content_type.remove_prefix(end + 1);
    end = std::min(content_type.find(';'), content_type.size());
    if (!is_acceptable_parameter(trim(content_type.substr(0, end)))) return false;
  }
  return true;
}

}  // namespace blobvalet
