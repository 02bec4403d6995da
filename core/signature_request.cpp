#include "core/signature_request.hpp"

#include <optional>

#include "core/ascii.hpp"
#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"

namespace blobvalet {
namespace {

/// The parameters, decoded.
struct Parameters {
  std::optional<std::string_view> method;
  std::optional<std::string_view> blob_uri;
  std::optional<std::string_view> size;
  std::optional<std::string_view> type;
  std::optional<std::string_view> part;

  /// The value that a parameter of this name is to fill; null for a name that we ignore.
  std::optional<std::string_view>* slot(std::string_view name) {
    if (equals(name, "_method")) return &method;
    if (equals(name, "bloburi")) return &blob_uri;
    if (equals(name, "qqsize")) return &size;
    if (equals(name, "qqtype")) return &type;
    if (equals(name, "qqpart")) return &part;
    return nullptr;
  }
};

tl::unexpected<Error> given_twice(bool is_needed) {
  if (is_needed) {
    return refuse(Errc::duplicate_parameter, "query", "gives _method or bloburi more than once");
  }
  return refuse(Errc::duplicate_parameter, "query", "gives qqsize, qqtype or qqpart more than once");
}

Result<Parameters> collect(std::string_view query, std::string& buffer) {
  Parameters found;
  buffer.clear();
  buffer.reserve(query.size());
  FormReader reader(query);
  while (const auto pair = reader.next()) {
    const std::size_t begin = buffer.size();
    const auto name = decode_form_behind(buffer, pair->name);
    if (!name) return malformed_escape("query");
    auto* slot = found.slot(*name);
    buffer.resize(begin);
    if (slot == nullptr) continue;
    if (*slot) return given_twice(slot == &found.method || slot == &found.blob_uri);
    *slot = decode_form_behind(buffer, pair->value);
    if (!*slot) return malformed_escape("query");
  }
  return found;
}

}  // namespace

std::string_view name_of(BlobVerb verb) {
  return verb == BlobVerb::put ? "PUT" : "DELETE";
}

std::optional<BlobVerb> parse_blob_verb(std::string_view text) {
  if (equals(text, "PUT")) return BlobVerb::put;
  if (equals(text, "DELETE")) return BlobVerb::del;
  return std::nullopt;
}

Result<SignatureRequest> SignatureRequest::parse(std::string_view query, std::string& buffer) {
  const Result<Parameters> given = collect(query, buffer);
  if (!given) return tl::unexpected(given.error());
  if (!given->method) return refuse(Errc::missing_parameter, "_method", "is missing");
  if (!given->blob_uri) return refuse(Errc::missing_parameter, "bloburi", "is missing");
  const auto verb = parse_blob_verb(*given->method);
  if (!verb) return refuse(Errc::bad_method, "_method", "must be PUT or DELETE");
  const auto hints = UploadHints::parse(given->size, given->type, given->part);
  if (!hints) return tl::unexpected(hints.error());
  return SignatureRequest{*verb, *given->blob_uri, *hints};
}

}  // namespace blobvalet
