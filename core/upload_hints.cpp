#include "core/upload_hints.hpp"

#include "core/decimal.hpp"
#include "core/media_type.hpp"

namespace blobvalet {

Result<UploadHints> UploadHints::parse(std::optional<std::string_view> size,
                                       std::optional<std::string_view> type,
                                       std::optional<std::string_view> part) {
  UploadHints hints;
  if (size) {
    hints.size = parse_decimal(*size);
    if (!hints.size || *hints.size > kMaxBytes) {
      return refuse(Errc::bad_request, "qqsize", "must be a number of bytes that Azure stores in one blob");
    }
  }
  if (type && !is_media_type(*type)) {
    return refuse(Errc::bad_request, "qqtype", "must be a media type such as image/png");
  }
  hints.type = type.value_or("");
  if (!part) return hints;
  const auto number = parse_decimal(*part);
  if (!number || *number >= kMaxParts) {
    return refuse(Errc::bad_request, "qqpart", "must be a number below 50000, as Azure takes no more parts");
  }
  hints.part = static_cast<std::uint32_t>(*number);
  return hints;
}

}  // namespace blobvalet
