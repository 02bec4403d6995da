#include "fcgi/adapters/metered_events.hpp"
#include "fcgi/adapters/sqlite_events.hpp"
#include "tests/unit/fake_meters.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

const UtcSeconds kNow = at("2026-03-01T12:00:00Z");

struct Bench {
  TempDir dir;
  std::string file = (dir.path() / "events.db").string();
  FakeMeters meters;
  FakeTimer timer;
  [[nodiscard]] std::unique_ptr<MeteredEvents> open() {
    return std::make_unique<MeteredEvents>(std::make_unique<SqliteEvents>(file, true), meters, timer);
  }
  [[nodiscard]] StoredEvent stored(const std::string& id) const {
    StoredEvent event;
    event.id = id;
    return event;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(metered_events_tests)

BOOST_AUTO_TEST_CASE(whoever_leads_says_how_many_there_are) {
  Bench bench;
  auto leader = bench.open();
  auto follower = bench.open();
  for (const char* id : {"a", "b", "c"})
    follower->append({id, id, "{}"}, kNow);
  BOOST_TEST(bench.meters.counted() == "");
  BOOST_TEST(leader->lead());
  const std::string three =
      "blobvalet_events_oldest_timestamp_seconds 1772366400\nblobvalet_events{state=\"waiting\"} 3\n";
  BOOST_TEST(bench.meters.counted() == three);

  leader->delivered(bench.stored("a"));
  leader->postpone(bench.stored("b"), kNow + 1s, "no");
  leader->bury(bench.stored("c"), "no");
  const std::string attempts =
      "blobvalet_event_deliveries_total{outcome=\"delivered\"} 1\n"
      "blobvalet_event_deliveries_total{outcome=\"failed\"} 2\n";
  bench.timer.time += 1s;
  BOOST_TEST(leader->lead());
  BOOST_TEST(bench.meters.counted() == attempts + three);  // not looked up at every turn
  bench.timer.time += 1s;
  BOOST_TEST(leader->lead());
  BOOST_TEST(bench.meters.counted() == attempts +
                                           "blobvalet_events_oldest_timestamp_seconds 1772366400\n"
                                           "blobvalet_events{state=\"dead\"} 1\n"
                                           "blobvalet_events{state=\"waiting\"} 1\n");
  leader.reset();
  BOOST_TEST(bench.meters.counted() == attempts);
}

BOOST_AUTO_TEST_CASE(whoever_follows_says_nothing) {
  Bench bench;
  SqliteEvents leader(bench.file, true);
  leader.append({"a", "a", "{}"}, kNow);
  BOOST_TEST(leader.lead());
  BOOST_TEST(!bench.open()->lead());
  BOOST_TEST(bench.meters.counted() == "");
}

BOOST_AUTO_TEST_SUITE_END()
