#pragma once
#include <cstddef>
#include <string_view>

namespace blobvalet {

// Media types are compared without regard to case, and without their parameters.

inline constexpr std::size_t kMaxMediaType = 255;  ///< bytes

/// True for `type/subtype`, then perhaps `;` and parameters, in printable ASCII: what a header can carry
/// unchanged (blanks at its end would be lost on the way), and what cannot end a line of the text that is
/// signed.
[[nodiscard]] bool is_media_type(std::string_view text);

/// True if `type` is what `pattern` asks for: `image/png`, `image/*` or `*/*`. Names that mean the same are
/// not the same here.
[[nodiscard]] bool matches_media_type(std::string_view pattern, std::string_view type);

/// The standard name of an image type that browsers show and in which nothing can run (so never
/// image/svg+xml): a constant, whatever spelling came in. Empty for any other type.
[[nodiscard]] std::string_view viewable_image(std::string_view type);

/// True if a blob of Content-Type `declared` may hold what MagicNumbers recognised as `detected`.
///
/// Judged are images, video, audio, text, PDF, Office documents (OOXML, ODF, OLE) and archives. Every other
/// declared type, application/octet-stream among them, promises nothing and so fits anything. What was not
/// recognised (application/octet-stream) fits a judged type only where libmagic is known to miss files that
/// are in order: MP3 behind a large tag, MP4 and QuickTime of rare brands, OOXML with custom parts, images,
/// video and audio of formats that are not named here. An empty file is a text, and no image, document or
/// archive.
[[nodiscard]] bool fits_declared_type(std::string_view declared, std::string_view detected);

}  // namespace blobvalet
