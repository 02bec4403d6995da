#pragma once
#include <string_view>

#include "core/config.hpp"
#include "core/warning.hpp"

namespace blobvalet {

/// What is weak in a configuration that is sound.
[[nodiscard]] Warnings config_warnings(const Config& config);

/// True if `name` can be a parameter of an upload: Azure stores it as metadata, whose names are identifiers
/// of C# ("Naming and Referencing Containers, Blobs, and Metadata"), or Fine Uploader sends it as a header of
/// its own.
[[nodiscard]] bool is_upload_parameter(std::string_view name);

/// True for one of the names that Fine Uploader does not prefix with `x-ms-meta-` (its `azure/util.js`).
[[nodiscard]] bool is_header_parameter(std::string_view name);

}  // namespace blobvalet
