#pragma once
#include <optional>

#include "core/http_client.hpp"
#include "core/static_text.hpp"

namespace blobvalet {

/// The storage service's error code in `answer` (header `x-ms-error-code`), if it is one that an operator can
/// do something about; from a list of our own, so that nothing else gets into the log ("Status and error
/// codes", learn.microsoft.com).
[[nodiscard]] std::optional<StaticText> known_error_code(const HttpAnswer& answer);

}  // namespace blobvalet
