#include <sys/stat.h>

#include <functional>
#include <thread>

#include "fcgi/adapters/event_stores.hpp"
#include "fcgi/adapters/redis_events.hpp"
#include "fcgi/adapters/sqlite_events.hpp"
#include "tests/unit/redis_server.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

const UtcSeconds kNow = at("2026-03-01T12:00:00Z");
UtcSeconds later(int seconds) {
  return kNow + std::chrono::seconds(seconds);
}

NewEvent event(const std::string& id, const std::string& subject = "acme/uploads/a") {
  return {id, subject, "{\"id\":\"" + id + "\"}"};
}
StoredEvent stored(const std::string& id) {
  StoredEvent result;
  result.id = id;
  return result;
}

std::string ids(const std::vector<StoredEvent>& events) {
  std::string text;
  for (const StoredEvent& each : events)
    text += (text.empty() ? "" : " ") + each.id;
  return text;
}

/// Opens one more object on the same, at first empty, store.
using Open = std::function<std::unique_ptr<EventStore>()>;

struct Behaviour {
  const char* name;
  void (*run)(const Open& open);
};

const Behaviour kBehaviours[] = {
    {"a new store is empty",
     [](const Open& open) {
       const auto store = open();
       BOOST_TEST(ids(store->list()) == "");
       BOOST_TEST(ids(store->due(kNow, 10)) == "");
     }},
    {"events are counted",
     [](const Open& open) {
       const auto store = open();
       const auto shown = [&] {
         const EventCounts counts = store->counts();
         return std::to_string(counts.waiting) + " " + std::to_string(counts.dead) + " " +
                (counts.oldest ? std::string(UtcText(*counts.oldest).view()) : "none");
       };
       BOOST_TEST(shown() == "0 0 none");
       store->append(event("a"), kNow);
       store->append(event("b"), later(5));
       store->append(event("c"), later(6));
       BOOST_TEST(shown() == "3 0 2026-03-01T12:00:00Z");
       store->postpone(stored("a"), later(100), "no");
       BOOST_TEST(shown() == "3 0 2026-03-01T12:00:00Z");
       store->bury(stored("a"), "no");
       BOOST_TEST(shown() == "2 1 2026-03-01T12:00:05Z");
       store->delivered(stored("b"));
       store->delivered(stored("c"));
       BOOST_TEST(shown() == "0 1 none");
       store->drop("a");
       BOOST_TEST(shown() == "0 0 none");
     }},
    {"an event comes back as it was stored, from any object",
     [](const Open& open) {
       const std::string subject = "acme/uploads/\u00e4 'quoted\" \\ %s";
       const std::string body = std::string("{\"name\":\"\u00e4\"}\r\n") + std::string(1, '\0') + "end";
       open()->append({"id-1", subject, body}, kNow);
       const auto found = open()->due(kNow, 10);
       BOOST_REQUIRE_EQUAL(found.size(), 1U);
       BOOST_TEST(found[0].id == "id-1");
       BOOST_TEST(found[0].subject == subject);
       BOOST_TEST(found[0].body == body);
       BOOST_TEST((found[0].stored_at == kNow));
       BOOST_TEST((found[0].next_attempt == kNow));
       BOOST_TEST(found[0].attempts == 0U);
       BOOST_TEST(found[0].last_error == "");
       BOOST_TEST(!found[0].dead);
     }},
    {"a big body is kept",
     [](const Open& open) {
       const auto store = open();
       store->append({"id", "s", std::string(1U << 20U, 'x')}, kNow);
       BOOST_TEST(store->due(kNow, 1).at(0).body.size() == (1U << 20U));
     }},
    {"empty texts are kept",
     [](const Open& open) {
       const auto store = open();
       store->append({"", "", ""}, kNow);
       BOOST_TEST(store->due(kNow, 10).size() == 1U);
       store->delivered(stored(""));
       BOOST_TEST(store->list().empty());
     }},
    {"a waiting event is not stored again",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a"), kNow);
       store->append({"a", "other subject", "other body"}, later(5));
       BOOST_TEST(ids(store->list()) == "a");
       BOOST_TEST(store->list()[0].body == "{\"id\":\"a\"}");
       BOOST_TEST((store->list()[0].stored_at == kNow));
     }},
    {"an event that was delivered may come again",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a"), kNow);
       store->delivered(stored("a"));
       BOOST_TEST(ids(store->list()) == "");
       store->append(event("a"), later(9));
       BOOST_TEST(ids(store->due(later(9), 10)) == "a");
     }},
    {"one event of a subject at a time, oldest first",
     [](const Open& open) {
       const auto store = open();
       for (const char* id : {"a1", "a2", "a3"})
         store->append(event(id, "a"), kNow);
       store->append(event("b1", "b"), kNow);
       BOOST_TEST(ids(store->due(kNow, 10)) == "a1 b1");
       store->delivered(stored("a1"));
       BOOST_TEST(ids(store->due(kNow, 10)) == "a2 b1");
       store->delivered(stored("a2"));
       store->delivered(stored("b1"));
       BOOST_TEST(ids(store->due(kNow, 10)) == "a3");
     }},
    {"no more than the limit, the longest due first",
     [](const Open& open) {
       const auto store = open();
       // In neither order of their names.
       for (const char* subject : {"m", "z", "a", "k"})
         store->append(event(subject, subject), kNow);
       BOOST_TEST(ids(store->due(kNow, 3)) == "m z a");
       store->postpone(stored("m"), later(3), "no");
       BOOST_TEST(ids(store->due(later(5), 10)) == "z a k m");
     }},
    {"many events stay in order",
     [](const Open& open) {
       const auto store = open();
       std::string expected;
       for (int i = 0; i < 1000; ++i) {
         store->append(event(std::to_string(i), "s" + std::to_string(i % 7)), kNow);
         expected += (i == 0 ? "" : " ") + std::to_string(i);
       }
       BOOST_TEST(ids(store->list()) == expected);
       std::string taken;
       for (auto due = store->due(kNow, 3); !due.empty(); due = store->due(kNow, 3)) {
         taken += (taken.empty() ? "" : " ") + due[0].id;
         store->delivered(due[0]);
       }
       BOOST_TEST(taken == expected);
     }},
    {"a postponed event holds up its own subject only",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a1", "a"), kNow);
       store->append(event("a2", "a"), kNow);
       store->append(event("b1", "b"), kNow);
       store->postpone(stored("a1"), later(10), "connection refused");
       BOOST_TEST(ids(store->due(later(9), 10)) == "b1");
       const auto found = store->due(later(10), 10);
       BOOST_TEST(ids(found) == "b1 a1");
       BOOST_TEST(found.at(1).attempts == 1U);
       BOOST_TEST(found.at(1).last_error == "connection refused");
       BOOST_TEST((found.at(1).next_attempt == later(10)));
       BOOST_TEST((found.at(1).stored_at == kNow));
     }},
    {"what is further off than any retry is due: the clock has been set back",
     [](const Open& open) {
       const auto store = open();
       const int longest = static_cast<int>(kLongestRetryDelay.count());
       store->append(event("in time", "a"), kNow);
       store->append(event("behind it", "a"), later(3600));
       store->append(event("far off", "b"), later(longest + 1));
       store->append(event("put off", "c"), kNow);
       store->postpone(stored("put off"), later(longest), "x");
       store->append(event("farther off", "d"), later(7200));
       BOOST_TEST(ids(store->due(kNow, 10)) == "in time far off farther off");
       BOOST_TEST(ids(store->due(kNow, 2)) == "in time far off");
       BOOST_TEST(ids(store->due(kNow, 1)) == "in time");
       BOOST_TEST(ids(store->due(later(1), 10)) == "in time farther off");
       store->delivered(stored("in time"));
       BOOST_TEST(ids(store->due(kNow, 10)) == "far off behind it farther off");
     }},
    {"attempts add up, the last error stays",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a"), kNow);
       store->postpone(stored("a"), later(1), "first");
       store->postpone(stored("a"), later(2), "second");
       store->bury(stored("a"), "third");
       const auto found = store->list();
       BOOST_TEST(found.at(0).attempts == 3U);
       BOOST_TEST(found.at(0).last_error == "third");
       BOOST_TEST(found.at(0).dead);
     }},
    {"a dead event stays listed in its place and holds up nothing",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a1", "a"), kNow);
       store->append(event("a2", "a"), kNow);
       store->bury(stored("a1"), "no");
       BOOST_TEST(ids(store->due(kNow, 10)) == "a2");
       BOOST_TEST(ids(store->list()) == "a1 a2");
       BOOST_TEST(store->list()[0].body == "{\"id\":\"a1\"}");
       BOOST_TEST(!store->list()[1].dead);
     }},
    {"a dead event is not delivered, postponed or buried",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a"), kNow);
       store->bury(stored("a"), "no");
       store->delivered(stored("a"));
       store->postpone(stored("a"), later(1), "other");
       store->bury(stored("a"), "other");
       BOOST_TEST(ids(store->list()) == "a");
       BOOST_TEST(store->list()[0].attempts == 1U);
       BOOST_TEST(store->list()[0].last_error == "no");
     }},
    {"an event that is unknown is nobody's fault",
     [](const Open& open) {
       const auto store = open();
       store->delivered(stored("x"));
       store->postpone(stored("x"), later(1), "no");
       store->bury(stored("x"), "no");
       BOOST_TEST(!store->retry("x", kNow));
       BOOST_TEST(!store->drop("x"));
       BOOST_TEST(ids(store->list()) == "");
     }},
    {"a dead event that is stored again is revived, with its new body and behind the others",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a1", "a"), kNow);
       store->append(event("a2", "a"), kNow);
       store->bury(stored("a1"), "no");
       store->append({"a1", "a", "new"}, later(7));
       const auto found = store->list();
       BOOST_TEST(ids(found) == "a2 a1");
       BOOST_TEST(found[1].body == "new");
       BOOST_TEST((found[1].stored_at == later(7)));
       BOOST_TEST(found[1].attempts == 0U);
       BOOST_TEST(found[1].last_error == "");
       BOOST_TEST(!found[1].dead);
       BOOST_TEST(ids(store->due(later(7), 10)) == "a2");
     }},
    {"retry revives a dead event behind the others",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a1", "a"), kNow);
       store->append(event("a2", "a"), kNow);
       store->bury(stored("a1"), "no");
       BOOST_TEST(store->retry("a1", later(7)));
       const auto found = store->list();
       BOOST_TEST(ids(found) == "a2 a1");
       BOOST_TEST((found[1].stored_at == kNow));
       BOOST_TEST((found[1].next_attempt == later(7)));
       BOOST_TEST(found[1].attempts == 0U);
       BOOST_TEST(!found[1].dead);
       store->delivered(stored("a2"));
       BOOST_TEST(ids(store->due(later(6), 10)) == "");
       BOOST_TEST(ids(store->due(later(7), 10)) == "a1");
     }},
    {"retry makes a postponed event due at once and keeps its attempts",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a"), kNow);
       store->postpone(stored("a"), later(100), "no");
       BOOST_TEST(store->retry("a", later(7)));
       BOOST_TEST(ids(store->due(later(6), 10)) == "");
       BOOST_TEST(ids(store->due(later(7), 10)) == "a");
       BOOST_TEST(store->list()[0].attempts == 1U);
       BOOST_TEST(store->retry("a", later(50)));
       BOOST_TEST((store->list()[0].next_attempt == later(7)));
     }},
    {"drop forgets a waiting event, and the next one may go",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a1", "a"), kNow);
       store->append(event("a2", "a"), kNow);
       store->append(event("a3", "a"), kNow);
       BOOST_TEST(store->drop("a2"));
       BOOST_TEST(!store->drop("a2"));
       BOOST_TEST(store->drop("a1"));
       BOOST_TEST(ids(store->due(kNow, 10)) == "a3");
     }},
    {"drop forgets a dead event",
     [](const Open& open) {
       const auto store = open();
       store->append(event("a"), kNow);
       store->bury(stored("a"), "no");
       BOOST_TEST(store->drop("a"));
       BOOST_TEST(ids(store->list()) == "");
       store->append(event("a"), kNow);
       BOOST_TEST(ids(store->due(kNow, 10)) == "a");
     }},
    {"one leads until it goes",
     [](const Open& open) {
       auto first = open();
       auto second = open();
       BOOST_TEST(first->lead());
       BOOST_TEST(!second->lead());
       BOOST_TEST(first->lead());
       first.reset();
       BOOST_TEST(second->lead());
       BOOST_TEST(!open()->lead());
     }},
    {"one that does not lead takes nothing with it",
     [](const Open& open) {
       auto first = open();
       BOOST_TEST(first->lead());
       BOOST_TEST(!open()->lead());
       BOOST_TEST(!open()->lead());
       BOOST_TEST(first->lead());
     }},
    {"many threads store at once, and each event is there once",
     [](const Open& open) {
       constexpr int kThreads = 4;
       constexpr int kEvents = 25;
       std::vector<std::thread> threads;
       for (int t = 0; t < kThreads; ++t) {
         threads.emplace_back([&open, t] {
           const auto store = open();
           for (int i = 0; i < kEvents; ++i) {
             store->append(event("all-" + std::to_string(i), "all"), kNow);
             store->append(event(std::to_string(t) + "-" + std::to_string(i), std::to_string(t)), kNow);
           }
         });
       }
       for (std::thread& thread : threads)
         thread.join();
       BOOST_TEST(open()->list().size() == std::size_t{kEvents * (kThreads + 1)});
     }},
};

EventStoreOptions redis_options(const RedisServer& server) {
  EventStoreOptions options;
  options.kind = EventStoreOptions::Kind::redis;
  options.host = server.socket();
  return options;
}

/// The error's text; `ok` if there is none.
std::string error_of(EventStore& store) {
  try {
    (void)store.list();
    return "ok";
  } catch (const EventStoreError& error) {
    return error.what();
  }
}

mode_t mode_of(const std::filesystem::path& file) {
  struct stat status {};
  BOOST_REQUIRE_MESSAGE(::stat(file.c_str(), &status) == 0, file << " is missing");
  return status.st_mode & 0777U;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event_store_tests)

BOOST_AUTO_TEST_CASE(sqlite_behaves) {
  for (const Behaviour& behaviour : kBehaviours) {
    BOOST_TEST_CONTEXT(behaviour.name) {
      const TempDir dir;
      EventStoreOptions options;
      options.file = dir.path() / "events.db";
      behaviour.run([&] { return open_event_store(options, true); });
    }
  }
}

BOOST_AUTO_TEST_CASE(redis_behaves) {
  const RedisServer server;
  for (const Behaviour& behaviour : kBehaviours) {
    BOOST_TEST_CONTEXT(behaviour.name) {
      EventStoreOptions options = redis_options(server);
      options.prefix = behaviour.name;
      behaviour.run([&] { return open_event_store(options, true); });
    }
  }
}

BOOST_AUTO_TEST_CASE(redis_keeps_nothing_of_an_event_that_is_gone) {
  const RedisServer server;
  RedisEvents store(redis_options(server));
  for (const char* id : {"delivered", "dropped", "revived", "buried"})
    store.append(event(id), kNow);
  store.postpone(stored("delivered"), later(1), "no");
  store.delivered(stored("delivered"));
  store.drop("dropped");
  store.bury(stored("revived"), "no");
  store.retry("revived", kNow);
  store.delivered(stored("revived"));
  store.bury(stored("buried"), "no");
  store.drop("buried");

  const std::string command = "redis-cli -s '" + server.socket() + "' --raw keys 'blobvalet:*' | sort";
  FILE* pipe = ::popen(command.c_str(), "r");
  BOOST_REQUIRE(pipe != nullptr);
  char text[1024] = {};
  (void)!std::fread(text, 1, sizeof text - 1, pipe);
  ::pclose(pipe);
  BOOST_TEST(std::string(text) == "blobvalet:dead\nblobvalet:events\nblobvalet:last\n");
}

BOOST_AUTO_TEST_CASE(redis_events_survive_its_restart_and_the_connection_is_made_anew) {
  RedisServer server;
  RedisEvents store(redis_options(server));
  store.append(event("a"), kNow);
  server.stop();
  BOOST_TEST(error_of(store).starts_with("Redis at " + server.socket() + ": "));
  server.start();
  BOOST_TEST(ids(store.list()) == "a");

  // A connection that was closed while nobody used it is no error.
  server.stop();
  server.start();
  BOOST_TEST(ids(store.list()) == "a");
}

BOOST_AUTO_TEST_CASE(redis_that_hangs_is_given_up) {
  const RedisServer server;
  RedisEvents store(redis_options(server));
  store.append(event("a"), kNow);
  server.pause();
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(error_of(store) == "Redis at " + server.socket() + ": no answer in time");
  const auto waited = std::chrono::steady_clock::now() - start;
  BOOST_TEST((waited > std::chrono::seconds(1) && waited < std::chrono::seconds(4)));
  server.resume();
  BOOST_TEST(ids(store.list()) == "a");
}

BOOST_AUTO_TEST_CASE(a_redis_lease_runs_out) {
  const RedisServer server;
  RedisEvents leader(redis_options(server), std::chrono::milliseconds(300));
  RedisEvents other(redis_options(server), std::chrono::milliseconds(300));
  BOOST_TEST(leader.lead());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  BOOST_TEST(leader.lead());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  BOOST_TEST(!other.lead());
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (!other.lead() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  BOOST_TEST(other.lead());
  BOOST_TEST(!leader.lead());
}

BOOST_AUTO_TEST_CASE(redis_wants_its_password) {
  const RedisServer server({"--requirepass", "letmein"});
  const std::string too_long(4096, 'x');
  struct Row {
    const char* name;
    const char* password;  ///< null: none configured
    mode_t mode;
    const char* error;  ///< within the text
  };
  const Row rows[] = {
      {"right", "letmein", 0600, "ok"},
      {"right, with a line feed", "letmein\n", 0400, "ok"},
      {"none", nullptr, 0600, "NOAUTH"},
      {"wrong", "sesame", 0600, "WRONGPASS"},
      {"empty", "", 0600, "WRONGPASS"},
      {"two words", "let mein", 0600, "WRONGPASS"},
      {"too long", too_long.c_str(), 0600, "redis.password: cannot be read, or is too long"},
      {"writable for the group", "letmein", 0660, "redis.password: has mode 0660, so others than its owner"},
      {"readable for all", "letmein", 0604, "redis.password: has mode 0604, so others than its owner"},
      {"white space around it", " letmein", 0600, "WRONGPASS"},
      {"nothing but white space", " \n\n", 0600, "WRONGPASS"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const TempDir dir;
      EventStoreOptions options = redis_options(server);
      if (row.password != nullptr)
        options.password_file = dir.write("redis.password", row.password, row.mode);
      RedisEvents store(options);
      const std::string error = error_of(store);
      BOOST_TEST(error.find(row.error) != std::string::npos, error);
      BOOST_TEST(error.find("letmein") == std::string::npos);
    }
  }
}

// This server's words are: ERR unknown command 'AUTH', with args beginning with: 'letmein'
BOOST_AUTO_TEST_CASE(a_redis_that_repeats_the_password_is_not_quoted) {
  const RedisServer server({"--rename-command", "AUTH", ""});
  const TempDir dir;
  EventStoreOptions options = redis_options(server);
  options.password_file = dir.write("redis.password", "letmein");
  RedisEvents store(options);
  BOOST_TEST(error_of(store) == "Redis at " + server.socket() + ": refuses the password: ERR");
}

BOOST_AUTO_TEST_CASE(a_redis_that_is_not_usable_says_why) {
  const RedisServer server({"--maxmemory", "1mb", "--maxmemory-policy", "noeviction"});
  RedisEvents full(redis_options(server));
  const auto fill = [&] {
    for (int i = 0; i < 100; ++i)
      full.append({std::to_string(i), "s", std::string(100000, 'x')}, kNow);
  };
  BOOST_CHECK_EXCEPTION(fill(), EventStoreError, [](const EventStoreError& error) {
    return std::string_view(error.what()).find("OOM") != std::string_view::npos &&
           std::string_view(error.what()).find("xxx") == std::string_view::npos;
  });

  EventStoreOptions options = redis_options(server);
  options.host = server.dir().path() / "nowhere.sock";
  RedisEvents nowhere(options);
  BOOST_TEST(error_of(nowhere) == "Redis at " + options.host + ": cannot connect: No such file or directory");
  options.host = "127.0.0.1";
  options.port = 1;
  RedisEvents refused(options);
  BOOST_TEST(error_of(refused) == "Redis at 127.0.0.1:1: cannot connect: Connection refused");
}

BOOST_AUTO_TEST_CASE(sqlite_files_are_private) {
  const TempDir dir;
  SqliteEvents store(dir.path() / "events.db", true);
  BOOST_TEST(store.lead());
  store.append(event("a"), kNow);
  for (const char* name : {"events.db", "events.db-wal", "events.db-shm", "events.db.lock"})
    BOOST_TEST(mode_of(dir.path() / name) == 0600U, name);
}

BOOST_AUTO_TEST_CASE(sqlite_is_not_made_by_an_operator) {
  const TempDir dir;
  const std::string file = dir.path() / "events.db";
  SqliteEvents store(file, false);
  BOOST_TEST(error_of(store) == file + ": unable to open database file: No such file or directory");
  BOOST_CHECK_THROW((void)store.lead(), EventStoreError);
  BOOST_TEST(std::filesystem::is_empty(dir.path()));
  SqliteEvents(file, true).append(event("a"), kNow);
  BOOST_TEST(ids(store.list()) == "a");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_event_store_is_refused) {
  struct Row {
    const char* name;
    std::function<std::filesystem::path(const TempDir&)> make;
    const char* error;
  };
  const Row rows[] = {
      {"text", [](const TempDir& dir) { return dir.write("events.db", repeated("no database", 1000)); },
       "file is not a database"},
      {"a directory",
       [](const TempDir& dir) {
         std::filesystem::create_directory(dir.path() / "events.db");
         return dir.path() / "events.db";
       },
       "unable to open database file"},
      {"in a directory that is missing", [](const TempDir& dir) { return dir.path() / "missing/events.db"; },
       "cannot be created: No such file or directory"},
      {"of a later version",
       [](const TempDir& dir) {
         auto file = dir.path() / "events.db";
         BOOST_REQUIRE_EQUAL(std::system(("python3 -c \"import sqlite3; sqlite3.connect('" + file.string() +
                                          "').execute('PRAGMA user_version = 7')\"")
                                             .c_str()),
                             0);
         return file;
       },
       "was made by another version of blobvalet: its schema is 7, this one knows 1"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const TempDir dir;
      const auto file = row.make(dir);
      SqliteEvents store(file, true);
      BOOST_TEST(error_of(store).starts_with(file.string() + ": " + row.error), error_of(store));
    }
  }
}

BOOST_AUTO_TEST_CASE(sqlite_notices_that_its_file_is_gone) {
  const TempDir dir;
  const auto file = dir.path() / "events.db";
  SqliteEvents store(file, true);
  BOOST_TEST(store.lead());
  store.append(event("a"), kNow);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"})
    BOOST_TEST(std::filesystem::remove(file.string() + suffix));
  store.append(event("b"), kNow);
  BOOST_TEST(ids(SqliteEvents(file, false).list()) == "b");
  BOOST_TEST(store.lead());
  BOOST_TEST(!SqliteEvents(file, true).lead());
}

BOOST_AUTO_TEST_SUITE_END()
