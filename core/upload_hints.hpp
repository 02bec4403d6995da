#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/declared_put.hpp"
#include "core/result.hpp"

namespace blobvalet {

/// What a page says of the file that it is about to upload, in parameters of its signature request which
/// blobvalet.js adds. Nobody has to say anything, and nobody need believe it: it can only make a refusal come
/// earlier, before anything is uploaded. What was stored is looked at in the callback.
struct UploadHints {
  /// Azure takes so many blocks in a blob ("Scalability and performance targets for Blob Storage",
  /// learn.microsoft.com).
  static constexpr std::uint32_t kMaxParts = 50'000;
  static constexpr std::uint64_t kMaxBytes = kMaxParts * DeclaredPut::kMaxBlockBytes;

  std::optional<std::uint64_t> size = {};  ///< `qqsize`: of the whole file, bytes
  std::string_view type = {};  ///< `qqtype`: the media type that the blob will have; empty: not said
  std::optional<std::uint32_t> part =
      {};  ///< `qqpart`: the number, from 0, of the part that the SAS is first for

  /// Reads decoded values; nothing: there is no such parameter. `type` points to what it was given. Error:
  /// bad_request.
  [[nodiscard]] static Result<UploadHints> parse(std::optional<std::string_view> size,
                                                 std::optional<std::string_view> type,
                                                 std::optional<std::string_view> part);
};

}  // namespace blobvalet
