#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/rate_limit.hpp"

namespace blobvalet::fcgi {

/// What the file holds: a table of identities, each with the time at which its budget is whole again.
struct LimitSlots;

/// A file of budgets, mapped into memory. Identities stand in it as hashes with a key that was drawn when the
/// file was made: it names nobody, and nobody can choose names that share a place.
class LimitFile {
 public:
  static constexpr std::size_t kSlots = 65536;
  /// So many slots, beginning with the one that its hash says, are an identity's.
  static constexpr std::size_t kWindow = 64;

  /// Opens it, and makes it if it is not there; a file that is none of this version becomes one, in its
  /// place. Null, with `fault` filled, if that cannot be done.
  [[nodiscard]] static std::unique_ptr<LimitFile> open(const std::filesystem::path& path, std::string& fault);

  ~LimitFile();
  LimitFile(const LimitFile&) = delete;
  LimitFile& operator=(const LimitFile&) = delete;
  LimitFile(LimitFile&&) = delete;
  LimitFile& operator=(LimitFile&&) = delete;

  /// As RateLimiter::take(), at `now` of a clock that never goes back while the file lives. An identity whose
  /// budget is whole again makes room for another. If there is none such among the slots of one that is new,
  /// it takes the slot of the one that has used least, so that whoever uses much keeps being counted.
  [[nodiscard]] LimitVerdict take(std::string_view identity, const RateLimit& limit,
                                  std::chrono::nanoseconds now);
  /// True if there is another file by this name, or none, so that nobody else sees this one.
  [[nodiscard]] bool is_orphaned() const;

 private:
  LimitFile(std::filesystem::path path, LimitSlots* slots, std::uint64_t inode)
      : path_(std::move(path)), slots_(slots), inode_(inode) {}

  std::filesystem::path path_;
  LimitSlots* slots_;
  std::uint64_t inode_;
};

/// RateLimiter that all workers of a machine share by a file, below /run and so in memory. It outlives them,
/// and a worker that dies takes nothing along: nobody ever holds a lock.
class SharedLimits final : public RateLimiter {
 public:
  explicit SharedLimits(std::filesystem::path path);

  /// `unavailable` while the file cannot be used, which the log says.
  [[nodiscard]] LimitVerdict take(std::string_view identity, const RateLimit& limit) override;

 private:
  [[nodiscard]] LimitFile* file(std::chrono::nanoseconds now);
  void open_again();

  const std::filesystem::path path_;
  std::atomic<LimitFile*> current_{nullptr};  ///< one of files_, or null
  std::atomic<std::int64_t> look_again_at_{0};
  std::mutex mutex_;  ///< guards what follows
  /// Files are never unmapped while a thread may look at them. There is more than one only if somebody has
  /// removed the file under running workers.
  std::vector<std::unique_ptr<LimitFile>> files_;
  std::string fault_;  ///< what was logged last
};

}  // namespace blobvalet::fcgi
