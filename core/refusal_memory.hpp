#pragma once
#include <optional>
#include <string_view>

#include "core/error.hpp"

namespace blobvalet {

/// Port: remembers for a while why blobs were deleted, so that a callback which comes once more hears what
/// the first one heard, although there is nothing left to look at. May forget at any time: such a callback
/// then hears that there is no blob. Not for use by two threads at once.
class RefusalMemory {
 public:
  RefusalMemory() = default;
  RefusalMemory(const RefusalMemory&) = delete;
  RefusalMemory& operator=(const RefusalMemory&) = delete;
  virtual ~RefusalMemory() = default;
  /// `upload` says which callback it was.
  virtual void remember(std::string_view upload, Errc errc) = 0;
  [[nodiscard]] virtual std::optional<Errc> recall(std::string_view upload) = 0;
};

}  // namespace blobvalet
