#pragma once
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/sas_ledger.hpp"

namespace blobvalet::fcgi {

/// What the file holds: a table of keys, each with the expiry of the SAS that lasts longest.
struct LedgerTable;

/// The file `ledger` of a directory, mapped into memory.
class LedgerFile {
 public:
  /// Opens it for writing, and makes file and directory if they are not there; a file that is no ledger of
  /// this version becomes one. Null, with `fault` filled, if that cannot be done.
  [[nodiscard]] static std::unique_ptr<LedgerFile> open(const std::filesystem::path& directory,
                                                        std::string& fault);
  /// Opens it for reading; null if there is none, or it is none of this version.
  [[nodiscard]] static std::unique_ptr<const LedgerFile> open_to_read(const std::filesystem::path& directory);

  ~LedgerFile();
  LedgerFile(const LedgerFile&) = delete;
  LedgerFile& operator=(const LedgerFile&) = delete;
  LedgerFile(LedgerFile&&) = delete;
  LedgerFile& operator=(LedgerFile&&) = delete;

  /// As SasLedger::issued(). `now` tells which entries nobody needs any more. False if it has no room left.
  bool issued(KeyFingerprint key, UtcSeconds expiry, UtcSeconds now);
  [[nodiscard]] std::optional<UtcSeconds> last_expiry(KeyFingerprint key) const;
  /// True if it has noted an expiry as late as this; the cheap way out of issued().
  [[nodiscard]] bool covers(KeyFingerprint key, UtcSeconds expiry) const;
  /// When the file was made: it knows of no SAS before.
  [[nodiscard]] UtcSeconds since() const;
  /// True if the directory has another file by this name, or none, so that nobody else reads this one.
  [[nodiscard]] bool is_orphaned() const;

 private:
  LedgerFile(std::filesystem::path path, LedgerTable* table, std::uint64_t inode)
      : path_(std::move(path)), table_(table), inode_(inode) {}
  [[nodiscard]] static std::unique_ptr<LedgerFile> map(const std::filesystem::path& path, int fd,
                                                       int protection);

  std::filesystem::path path_;
  LedgerTable* table_;
  std::uint64_t inode_;
};

/// SasLedger that all workers of a machine share by a file, below /run and so in memory. It outlives them: a
/// worker may die at any moment and takes nothing along, since each note is a single store without any lock.
/// Where the file cannot be used there is no ledger (said in the log), but never a signature that fails. For
/// use by any number of threads.
class SharedLedger final : public SasLedger {
 public:
  explicit SharedLedger(std::filesystem::path directory);

  void issued(KeyFingerprint key, UtcSeconds expiry) override;
  [[nodiscard]] std::optional<UtcSeconds> last_expiry(KeyFingerprint key) const override;
  /// From now on the file is that of `directory`.
  void move_to(std::filesystem::path directory);

 private:
  void note(KeyFingerprint key, UtcSeconds expiry);
  void open_again(UtcSeconds now);

  std::atomic<LedgerFile*> current_{nullptr};  ///< one of files_, or null
  std::atomic<std::int64_t> missed_{0};        ///< the latest expiry that found no file
  mutable std::mutex mutex_;                   ///< guards what follows
  std::filesystem::path directory_;
  /// Files are never unmapped while a thread may look at them. There is more than one only if somebody has
  /// removed the file, or the directory, under running workers.
  std::vector<std::unique_ptr<LedgerFile>> files_;
  std::string fault_;       ///< what was logged last
  UtcSeconds looked_at_{};  ///< when the file was opened, or could not be, or was found in its place
};

}  // namespace blobvalet::fcgi
