#pragma once
#include <atomic>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "core/meters.hpp"
#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

/// What the file holds: names of figures, and for each worker a place with its part of each figure.
struct MetersTable;

/// Meters that all workers of a machine share by a file, below /run and so in memory.
///
/// Each worker counts in a place of its own, so that no two of them fight for a cache line. It holds its
/// place by a lock on one byte of the file, which the kernel takes away when it dies, however it dies:
/// workers cannot see each other in /proc, and numbers of processes are used again. Whoever gets the place
/// next counts on from where the dead one stopped, so nothing is ever added up twice or lost, and there is no
/// moment to die at in between; only gauges begin anew, and those of a place that nobody holds do not count.
///
/// Where the file cannot be used, is somebody else's or of another version, the figures are this worker's
/// alone. For use by any number of threads.
class SharedMeters final : public Meters {
 public:
  static constexpr std::size_t kFigures = 1024;    ///< names that fit
  static constexpr std::size_t kConfigured = 512;  ///< of these, names out of configurations
  static constexpr std::size_t kPlaces = 256;      ///< workers that fit

  /// Opens the file, and makes it if there is none.
  explicit SharedMeters(std::filesystem::path path);
  ~SharedMeters() override;

  [[nodiscard]] Meter* meter(MeterKind kind, std::string_view sample, Room room = Room::fixed) override;
  [[nodiscard]] std::vector<MeterTotal> totals() const override;
  void use_revision(std::string_view revision) override;
  [[nodiscard]] std::vector<std::string> revisions() const override;
  [[nodiscard]] std::pair<std::size_t, std::size_t> usage() const override;
  [[nodiscard]] std::string fault() const override;

 private:
  [[nodiscard]] bool join(std::string& fault);
  [[nodiscard]] bool claim_place(std::string& fault);
  void be_alone();
  [[nodiscard]] bool is_held(std::size_t place) const;
  [[nodiscard]] bool is_orphaned() const;
  void remake_if_lost() const;
  [[nodiscard]] Meter* find_or_add(MeterKind kind, std::string_view sample, Room room) const;

  const std::filesystem::path path_;
  FileDescriptor file_;  ///< holds the lock; invalid: the figures are ours alone
  MetersTable* table_ = nullptr;
  std::size_t place_ = 0;
  std::atomic<std::uint64_t> revision_{0};
  std::string fault_;
  mutable std::mutex mutex_;  ///< guards what follows
  /// What this worker has asked for, in case that the file is lost.
  struct Known {
    MeterKind kind;
    std::string sample;
    std::size_t index;
  };
  mutable std::vector<Known> known_;
  mutable bool is_remade_ = false;
};

}  // namespace blobvalet::fcgi
