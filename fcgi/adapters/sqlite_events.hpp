#pragma once
#include <memory>
#include <string>

#include "core/event_store.hpp"
#include "fcgi/file_descriptor.hpp"

namespace blobvalet::fcgi {

/// Events in an SQLite database that all workers of a machine share. What append() has stored survives a
/// power cut. The file system must be a local one: SQLite's WAL needs shared memory.
///
/// The deliverer is elected by a lock on `<file>.lock`, which the kernel frees however its owner ends. A call
/// waits at most two seconds for other writers.
class SqliteEvents final : public EventStore {
 public:
  /// `create`: makes the database and the lock file, both of mode 0600, where they are missing. One that is
  /// there is never made anew, and `<file>.lock` only at the first lead().
  SqliteEvents(std::string file, bool create);
  ~SqliteEvents() override;

  void append(const NewEvent& event, UtcSeconds now) override;
  [[nodiscard]] bool lead() override;
  [[nodiscard]] std::vector<StoredEvent> due(UtcSeconds now, std::size_t limit) override;
  void delivered(const StoredEvent& event) override;
  void postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) override;
  void bury(const StoredEvent& event, std::string_view error) override;
  [[nodiscard]] std::vector<StoredEvent> list() override;
  [[nodiscard]] EventCounts counts() override;
  bool retry(std::string_view id, UtcSeconds now) override;
  bool drop(std::string_view id) override;

 private:
  class Database;
  template <class Use>
  auto with_database(Use use);

  std::string file_;
  bool create_;
  std::unique_ptr<Database> database_;  ///< null: opened at the next use
  FileDescriptor lock_;                 ///< valid: this object leads
};

}  // namespace blobvalet::fcgi
