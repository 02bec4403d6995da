#pragma once
#include <array>
#include <optional>
#include <string_view>

#include "core/blob_probe.hpp"
#include "core/declared_put.hpp"
#include "core/error.hpp"
#include "core/upload_hints.hpp"
#include "core/upload_success.hpp"
#include "core/verify_options.hpp"

namespace blobvalet {

/// How a blob may break a rule by what it is; content_mismatch: its first bytes do not fit its type.
inline constexpr std::array kRuleViolations{Errc::blob_type_not_allowed, Errc::copy_incomplete,
                                            Errc::blob_too_small,        Errc::blob_too_large,
                                            Errc::extension_not_allowed, Errc::content_type_not_allowed,
                                            Errc::filename_missing,      Errc::content_mismatch};

/// The refusal for one of these.
[[nodiscard]] Error rule_violation(Errc errc);

/// The first rule that the blob breaks by what it is; nothing if there is none. Such a blob may be deleted.
/// Errors: blob_type_not_allowed, copy_incomplete, blob_too_small, blob_too_large, extension_not_allowed,
/// content_type_not_allowed, filename_missing.
[[nodiscard]] std::optional<Error> broken_rule(const VerifyOptions& options, std::string_view blob_name,
                                               const BlobProperties& properties);

/// The first rule that the blob would break by what it is, as far as a PUT that was declared tells: its type,
/// unless this is a block, its size, if it is whole (a block must not be too large for itself), and its name.
/// Errors: blob_too_small, blob_too_large, extension_not_allowed, content_type_not_allowed.
[[nodiscard]] std::optional<Error> broken_rule(const VerifyOptions& options, std::string_view blob_name,
                                               const DeclaredPut& put);

/// The first rule that the blob would break by what the page says of it, where it says something, and by its
/// name. Errors: as above.
[[nodiscard]] std::optional<Error> broken_rule(const VerifyOptions& options, std::string_view blob_name,
                                               const UploadHints& hints);

/// The first claim of the page that the blob does not bear out; nothing if there is none. Another upload can
/// cure that, and since whoever sent the callback chose the claim, it says nothing against the blob, which
/// stays. Errors: size_mismatch (`options.size_parameter`), md5_mismatch (a parameter `Content-MD5` or
/// `x-ms-blob-content-md5`, both of which Fine Uploader also sends to Azure as headers).
[[nodiscard]] std::optional<Error> broken_claim(const VerifyOptions& options, const UploadSuccess& upload,
                                                const BlobProperties& properties);

}  // namespace blobvalet
