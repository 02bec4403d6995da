#pragma once
#include <filesystem>

#include "core/refusal_memory.hpp"

namespace blobvalet::fcgi {

/// RefusalMemory in small files, shared by all workers of a machine and kept for an hour: `refused/<hash>` in
/// the given directory holds the error's code. Where that directory is not there or cannot be written,
/// nothing is remembered.
class RefusalFiles final : public RefusalMemory {
 public:
  explicit RefusalFiles(const std::filesystem::path& state_directory)
      : directory_(state_directory / "refused") {}

  void remember(std::string_view upload, Errc errc) override;
  [[nodiscard]] std::optional<Errc> recall(std::string_view upload) override;

 private:
  void forget_old_ones() const;

  std::filesystem::path directory_;
};

}  // namespace blobvalet::fcgi
