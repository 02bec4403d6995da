#include "core/blob_check.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/ascii.hpp"
#include "core/media_type.hpp"

namespace blobvalet {
namespace {

/// The text behind the last dot of the last segment, in lower case; empty if there is none. A name that only
/// begins with a dot has no extension.
std::string extension_of(std::string_view name) {
  name.remove_prefix(name.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  return lower_case(name.substr(dot + 1));
}

bool is_listed_type(const std::vector<std::string>& patterns, std::string_view type) {
  return std::ranges::any_of(patterns,
                             [&](const std::string& pattern) { return matches_media_type(pattern, type); });
}

bool is_too_large(const VerifyOptions& options, std::uint64_t bytes) {
  return options.max_bytes && bytes > *options.max_bytes;
}

bool has_wrong_extension(const VerifyOptions& options, std::string_view name) {
  return !options.extensions.empty() &&
         std::ranges::find(options.extensions, extension_of(name)) == options.extensions.end();
}

bool is_of_wrong_type(const VerifyOptions& options, std::string_view type) {
  return !options.content_types.empty() && !is_listed_type(options.content_types, type);
}

/// The page's parameter of this name; null if it sent none.
const std::string* parameter(const UploadSuccess& upload, std::string_view name) {
  const auto found = std::ranges::find(upload.params, name, &std::pair<std::string, std::string>::first);
  return found == upload.params.end() ? nullptr : &found->second;
}

}  // namespace

Error rule_violation(Errc errc) {
  switch (errc) {
    case Errc::blob_type_not_allowed: return {errc, "blob", "is not a block blob"};
    case Errc::copy_incomplete: return {errc, "blob", "is a copy that is not complete"};
    case Errc::blob_too_small: return {errc, "blob", "is too small"};
    case Errc::blob_too_large: return {errc, "blob", "is too large"};
    case Errc::extension_not_allowed: return {errc, "blob", "has a file name extension that is not allowed"};
    case Errc::content_type_not_allowed: return {errc, "blob", "is of a type that is not allowed"};
    case Errc::filename_missing: return {errc, "blob", "has no metadata qqfilename"};
    case Errc::content_mismatch: return {errc, "blob", "does not hold what its type says"};
    default: throw std::logic_error("no rule's error");
  }
}

std::optional<Error> broken_rule(const VerifyOptions& options, std::string_view blob_name,
                                 const BlobProperties& properties) {
  if (properties.blob_type != "BlockBlob") {
    return rule_violation(Errc::blob_type_not_allowed);
  }
  if (!properties.copy_status.empty() && properties.copy_status != "success") {
    return rule_violation(Errc::copy_incomplete);
  }
  if (properties.size_bytes < options.min_bytes) {
    return rule_violation(Errc::blob_too_small);
  }
  if (is_too_large(options, properties.size_bytes)) {
    return rule_violation(Errc::blob_too_large);
  }
  if (has_wrong_extension(options, blob_name)) {
    return rule_violation(Errc::extension_not_allowed);
  }
  if (is_of_wrong_type(options, properties.content_type)) {
    return rule_violation(Errc::content_type_not_allowed);
  }
  if (options.require_filename && properties.filename.empty()) {
    return rule_violation(Errc::filename_missing);
  }
  return std::nullopt;
}

std::optional<Error> broken_rule(const VerifyOptions& options, std::string_view blob_name,
                                 const DeclaredPut& put) {
  const bool is_whole = put.operation == PutOperation::put_blob;
  const bool says_type = put.operation != PutOperation::put_block;
  if (is_whole && put.body_bytes < options.min_bytes) return rule_violation(Errc::blob_too_small);
  if (is_too_large(options, put.body_bytes)) return rule_violation(Errc::blob_too_large);
  if (has_wrong_extension(options, blob_name)) return rule_violation(Errc::extension_not_allowed);
  if (says_type && is_of_wrong_type(options, put.content_type)) {
    return rule_violation(Errc::content_type_not_allowed);
  }
  return std::nullopt;
}

std::optional<Error> broken_rule(const VerifyOptions& options, std::string_view blob_name,
                                 const UploadHints& hints) {
  if (hints.size && *hints.size < options.min_bytes) return rule_violation(Errc::blob_too_small);
  if (hints.size && is_too_large(options, *hints.size)) return rule_violation(Errc::blob_too_large);
  if (has_wrong_extension(options, blob_name)) return rule_violation(Errc::extension_not_allowed);
  if (!hints.type.empty() && is_of_wrong_type(options, hints.type)) {
    return rule_violation(Errc::content_type_not_allowed);
  }
  return std::nullopt;
}

std::optional<Error> broken_claim(const VerifyOptions& options, const UploadSuccess& upload,
                                  const BlobProperties& properties) {
  if (!options.size_parameter.empty()) {
    const std::string* size = parameter(upload, options.size_parameter);
    if (size == nullptr || *size != std::to_string(properties.size_bytes)) {
      return Error{Errc::size_mismatch, "blob", "is not as long as the file"};
    }
  }
  for (const std::string_view name : {"Content-MD5", "x-ms-blob-content-md5"}) {
    const std::string* md5 = parameter(upload, name);
    if (md5 != nullptr && *md5 != properties.content_md5) {
      return Error{Errc::md5_mismatch, "blob", "does not have the MD5 of the file"};
    }
  }
  return std::nullopt;
}

}  // namespace blobvalet
