#include "core/signature_request.hpp"

#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"

namespace blobvalet {
namespace {

/// The two parameters, still encoded.
struct RawParameters {
  std::optional<std::string_view> method;
  std::optional<std::string_view> blob_uri;
};

tl::unexpected<Error> malformed_escape() {
  return refuse(Errc::bad_encoding, "query", "has a malformed percent escape");
}

/// The value that a pair of this name is to fill; null for a name that we ignore.
Result<std::optional<std::string_view>*> slot_of(RawParameters& found, std::string_view name,
                                                 std::string& buffer) {
  buffer.clear();
  if (!append_form_decoded(buffer, name)) return malformed_escape();
  if (buffer == "_method") return &found.method;
  if (buffer == "bloburi") return &found.blob_uri;
  return nullptr;
}

Result<RawParameters> collect(std::string_view query, std::string& buffer) {
  RawParameters found;
  FormReader reader(query);
  while (const auto pair = reader.next()) {
    const auto slot = slot_of(found, pair->name, buffer);
    if (!slot) return tl::unexpected(slot.error());
    if (*slot == nullptr) continue;
    if ((*slot)->has_value()) {
      return refuse(Errc::duplicate_parameter, "query", "gives _method or bloburi more than once");
    }
    **slot = pair->value;
  }
  return found;
}

}  // namespace

std::string_view name_of(BlobVerb verb) {
  return verb == BlobVerb::put ? "PUT" : "DELETE";
}

std::optional<BlobVerb> parse_blob_verb(std::string_view text) {
  if (text == "PUT") return BlobVerb::put;
  if (text == "DELETE") return BlobVerb::del;
  return std::nullopt;
}

Result<SignatureRequest> SignatureRequest::parse(std::string_view query, std::string& buffer) {
  const Result<RawParameters> found = collect(query, buffer);
  if (!found) return tl::unexpected(found.error());
  if (!found->method) return refuse(Errc::missing_parameter, "_method", "is missing");
  if (!found->blob_uri) return refuse(Errc::missing_parameter, "bloburi", "is missing");

  buffer.clear();
  if (!append_form_decoded(buffer, *found->method)) return malformed_escape();
  const auto verb = parse_blob_verb(buffer);
  if (!verb) return refuse(Errc::bad_method, "_method", "must be PUT or DELETE");

  buffer.clear();
  if (!append_form_decoded(buffer, *found->blob_uri)) return malformed_escape();
  return SignatureRequest{*verb, buffer};
}

}  // namespace blobvalet
