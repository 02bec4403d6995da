#include "fcgi/adapters/sqlite_events.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <thread>

namespace blobvalet::fcgi {
namespace {

constexpr std::chrono::milliseconds kBusyTimeout{2000};
constexpr std::chrono::milliseconds kBusyPause{1};
constexpr int kSchemaVersion = 1;

// `seq` is the order of delivery and never used twice. The first index finds what is due without reading the
// events that wait, the second one the elder brothers of an event.
constexpr const char* kSchema = R"(
  CREATE TABLE events (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    subject      TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    stored_at    INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_attempt INTEGER NOT NULL,
    last_error   TEXT    NOT NULL DEFAULT '',
    dead         INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX waiting_by_time ON events (next_attempt, seq) WHERE dead = 0;
  CREATE INDEX waiting_by_subject ON events (subject, seq) WHERE dead = 0;
  PRAGMA user_version = 1;
)";

#define BLOBVALET_EVENT_COLUMNS "id, subject, body, stored_at, attempts, next_attempt, last_error, dead"

// A dead event of the same id is replaced, and so goes behind all others.
constexpr const char* kAppend = R"(
  INSERT OR REPLACE INTO events (id, subject, body, stored_at, next_attempt)
  SELECT ?1, ?2, ?3, ?4, ?4 WHERE NOT EXISTS (SELECT 1 FROM events WHERE id = ?1 AND dead = 0))";
constexpr const char* kSelectByTime = "SELECT " BLOBVALET_EVENT_COLUMNS R"(
  FROM events AS event INDEXED BY waiting_by_time
  WHERE dead = 0 AND next_attempt )";
constexpr const char* kOldestOfSubject = R"(
    AND NOT EXISTS (SELECT 1 FROM events AS older
                    WHERE older.dead = 0 AND older.subject = event.subject AND older.seq < event.seq)
  ORDER BY next_attempt, seq LIMIT ?2)";
constexpr const char* kDelivered = "DELETE FROM events WHERE id = ?1 AND dead = 0";
constexpr const char* kPostpone = R"(
  UPDATE events SET attempts = attempts + 1, next_attempt = ?2, last_error = ?3 WHERE id = ?1 AND dead = 0)";
constexpr const char* kBury = R"(
  UPDATE events SET attempts = attempts + 1, last_error = ?2, dead = 1 WHERE id = ?1 AND dead = 0)";
constexpr const char* kList = "SELECT " BLOBVALET_EVENT_COLUMNS " FROM events ORDER BY seq";
// The dead ones are few, or somebody would have heard of them.
constexpr const char* kCounts = R"(
  SELECT (SELECT COUNT(*) FROM events WHERE dead = 0), (SELECT COUNT(*) FROM events WHERE dead = 1),
         (SELECT stored_at FROM events WHERE dead = 0 ORDER BY seq LIMIT 1))";
constexpr const char* kRevive = R"(
  INSERT OR REPLACE INTO events (id, subject, body, stored_at, next_attempt)
  SELECT id, subject, body, stored_at, ?2 FROM events WHERE id = ?1 AND dead = 1)";
constexpr const char* kHurry = R"(
  UPDATE events SET next_attempt = min(next_attempt, ?2) WHERE id = ?1 AND dead = 0)";
constexpr const char* kDrop = "DELETE FROM events WHERE id = ?1";

#undef BLOBVALET_EVENT_COLUMNS

/// For each subject the oldest waiting event, if its time `is` so.
std::string oldest_whose_time(std::string_view is) {
  return std::string(kSelectByTime).append(is).append(kOldestOfSubject);
}

std::int64_t seconds(UtcSeconds time) {
  return time.time_since_epoch().count();
}

struct Close {
  void operator()(sqlite3* handle) const { sqlite3_close(handle); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Handle = std::unique_ptr<sqlite3, Close>;
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

/// One run of a prepared statement. Values are bound in place: they must outlive it.
class Query {
 public:
  template <class... Values>
  explicit Query(const Statement& statement, const Values&... values) : statement_(statement.get()) {
    int column = 0;
    (bind(++column, values), ...);
  }
  ~Query() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  Query(Query&&) = delete;
  Query& operator=(Query&&) = delete;

  /// True if there is one more row; throws EventStoreError.
  bool step() {
    const int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW || result == SQLITE_DONE) return result == SQLITE_ROW;
    throw EventStoreError(sqlite3_errmsg(sqlite3_db_handle(statement_)));
  }
  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    const int size = sqlite3_column_bytes(statement_, column);
    return size == 0 ? std::string() : std::string(bytes, static_cast<std::size_t>(size));
  }
  [[nodiscard]] std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  void bind(int column, std::string_view text) {
    // A null pointer would bind NULL.
    const char* bytes = text.empty() ? "" : text.data();
    check(sqlite3_bind_text64(statement_, column, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  void bind(int column, std::int64_t number) { check(sqlite3_bind_int64(statement_, column, number)); }
  void bind(int column, UtcSeconds time) { bind(column, seconds(time)); }
  void check(int result) {
    if (result != SQLITE_OK) throw EventStoreError(sqlite3_errmsg(sqlite3_db_handle(statement_)));
  }

  sqlite3_stmt* statement_;
};

StoredEvent event_of(const Query& row) {
  StoredEvent event;
  event.id = row.text(0);
  event.subject = row.text(1);
  event.body = row.text(2);
  event.stored_at = UtcSeconds(std::chrono::seconds(row.number(3)));
  event.attempts = static_cast<unsigned>(row.number(4));
  event.next_attempt = UtcSeconds(std::chrono::seconds(row.number(5)));
  event.last_error = row.text(6);
  event.dead = row.number(7) != 0;
  return event;
}

std::vector<StoredEvent> all_rows(Query& query) {
  std::vector<StoredEvent> events;
  while (query.step())
    events.push_back(event_of(query));
  return events;
}

/// Waits for other writers in short steps. SQLite's own way, with ever longer ones, lets whoever has waited
/// longest wait longest: under load some would never have their turn.
int wait_for_turn(void* /*unused*/, int waits) {
  if (waits * kBusyPause >= kBusyTimeout) return 0;
  std::this_thread::sleep_for(kBusyPause);
  return 1;
}

/// Makes the file if there is none. Not by open(2): closing a descriptor of a database would free the locks
/// that other threads' connections have on it, since POSIX locks belong to the process.
void make_file(const std::string& file) {
  if (::mknod(file.c_str(), S_IFREG | 0600U, 0) != 0 && errno != EEXIST)
    throw EventStoreError(std::string("cannot be created: ") + std::strerror(errno));
}

}  // namespace

/// An open database and its prepared statements.
class SqliteEvents::Database {
 public:
  Database(const std::string& file, bool create) : handle_(open(file, create)) {
    sqlite3_busy_handler(handle_.get(), &wait_for_turn, nullptr);
    // A commit is on the disk when it returns.
    execute("PRAGMA synchronous = FULL");
    if (create) make_schema();
    check_version();
    prepare();
  }

  /// True if the file of this name is another one by now, or gone: what is stored here would be lost.
  [[nodiscard]] bool moved() const {
    int moved = 0;
    return sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
  }
  /// Runs a statement that returns no rows; true if it changed one.
  template <class... Values>
  bool change(const Statement& statement, const Values&... values) {
    Query(statement, values...).step();
    return sqlite3_changes(handle_.get()) != 0;
  }
  template <class... Values>
  std::vector<StoredEvent> rows(const Statement& statement, const Values&... values) {
    Query query(statement, values...);
    return all_rows(query);
  }

 private:
  static Handle open(const std::string& file, bool create) {
    if (create) make_file(file);
    sqlite3* handle = nullptr;
    // No mutex: each thread has an object of its own.
    const int result =
        sqlite3_open_v2(file.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    Handle owned(handle);
    if (result == SQLITE_OK) return owned;
    if (handle == nullptr) throw EventStoreError(sqlite3_errstr(result));
    std::string message = sqlite3_errmsg(handle);
    if (const int reason = sqlite3_system_errno(handle); reason != 0)
      message.append(": ").append(std::strerror(reason));
    throw EventStoreError(message);
  }

  void execute(const char* sql) {
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      throw EventStoreError(sqlite3_errmsg(handle_.get()));
  }
  Statement prepared(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
        SQLITE_OK)
      throw EventStoreError(sqlite3_errmsg(handle_.get()));
    return Statement(statement);
  }
  std::int64_t version() {
    const Statement statement = prepared("PRAGMA user_version");
    Query query(statement);
    return query.step() ? query.number(0) : 0;
  }

  void make_schema() {
    switch_to_wal();
    if (version() != 0) return;
    execute("BEGIN IMMEDIATE");
    // Another worker may have been faster.
    if (version() == 0) execute(kSchema);
    execute("COMMIT");
  }
  /// The one step for which SQLite does not wait by itself while another worker does the same.
  void switch_to_wal() {
    const char* sql = "PRAGMA journal_mode = WAL";
    int result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    for (int waits = 0; result == SQLITE_BUSY && wait_for_turn(nullptr, waits) != 0; ++waits)
      result = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
    if (result != SQLITE_OK) throw EventStoreError(sqlite3_errmsg(handle_.get()));
  }
  void check_version() {
    const std::int64_t found = version();
    if (found == kSchemaVersion) return;
    if (found == 0) throw EventStoreError("holds no events: no worker has used it yet");
    throw EventStoreError("was made by another version of blobvalet: its schema is " + std::to_string(found) +
                          ", this one knows " + std::to_string(kSchemaVersion));
  }
  void prepare() {
    append = prepared(kAppend);
    due = prepared(oldest_whose_time("<= ?1").c_str());
    far_off = prepared(oldest_whose_time("> ?1").c_str());
    delivered = prepared(kDelivered);
    postpone = prepared(kPostpone);
    bury = prepared(kBury);
    list = prepared(kList);
    counts = prepared(kCounts);
    revive = prepared(kRevive);
    hurry = prepared(kHurry);
    drop = prepared(kDrop);
  }

  Handle handle_;  // closed after the statements below

 public:
  Statement append, due, far_off, delivered, postpone, bury, list, counts, revive, hurry, drop;
};

SqliteEvents::SqliteEvents(std::string file, bool create) : file_(std::move(file)), create_(create) {}
SqliteEvents::~SqliteEvents() = default;

template <class Use>
auto SqliteEvents::with_database(Use use) {
  try {
    if (database_ != nullptr && database_->moved()) database_.reset();
    if (database_ == nullptr) database_ = std::make_unique<Database>(file_, create_);
    return use(*database_);
  } catch (const EventStoreError& error) {
    database_.reset();
    throw EventStoreError(file_ + ": " + error.what());
  }
}

void SqliteEvents::append(const NewEvent& event, UtcSeconds now) {
  with_database([&](Database& database) {
    return database.change(database.append, event.id, event.subject, event.body, now);
  });
}

bool SqliteEvents::lead() {
  struct stat status {};
  // Once its file is gone a lock excludes nobody any more.
  if (lock_.valid() && ::fstat(lock_.get(), &status) == 0 && status.st_nlink > 0) return true;
  lock_ = FileDescriptor();
  const std::string name = file_ + ".lock";
  FileDescriptor lock(::open(name.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create_ ? O_CREAT : 0), 0600));
  if (!lock.valid()) throw EventStoreError(name + ": cannot be opened: " + std::strerror(errno));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) lock_ = std::move(lock);
  return lock_.valid();
}

std::vector<StoredEvent> SqliteEvents::due(UtcSeconds now, std::size_t limit) {
  return with_database([&](Database& database) {
    auto found = database.rows(database.due, now, static_cast<std::int64_t>(limit));
    const auto left = static_cast<std::int64_t>(limit - found.size());
    std::ranges::move(database.rows(database.far_off, now + kLongestRetryDelay, left),
                      std::back_inserter(found));
    return found;
  });
}

void SqliteEvents::delivered(const StoredEvent& event) {
  with_database([&](Database& database) { return database.change(database.delivered, event.id); });
}

void SqliteEvents::postpone(const StoredEvent& event, UtcSeconds next_attempt, std::string_view error) {
  with_database(
      [&](Database& database) { return database.change(database.postpone, event.id, next_attempt, error); });
}

void SqliteEvents::bury(const StoredEvent& event, std::string_view error) {
  with_database([&](Database& database) { return database.change(database.bury, event.id, error); });
}

std::vector<StoredEvent> SqliteEvents::list() {
  return with_database([](Database& database) { return database.rows(database.list); });
}

EventCounts SqliteEvents::counts() {
  return with_database([](Database& database) {
    Query query(database.counts);
    EventCounts counts;
    if (!query.step()) return counts;
    counts.waiting = static_cast<std::uint64_t>(query.number(0));
    counts.dead = static_cast<std::uint64_t>(query.number(1));
    if (counts.waiting > 0) counts.oldest = UtcSeconds(std::chrono::seconds(query.number(2)));
    return counts;
  });
}

bool SqliteEvents::retry(std::string_view id, UtcSeconds now) {
  return with_database([&](Database& database) {
    return database.change(database.hurry, id, now) || database.change(database.revive, id, now);
  });
}

bool SqliteEvents::drop(std::string_view id) {
  return with_database([&](Database& database) { return database.change(database.drop, id); });
}

}  // namespace blobvalet::fcgi
