#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "fcgi/journal.hpp"
#include "tests/unit/datagram_receiver.hpp"

using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
using namespace std::string_literals;

namespace {

std::string entry_with(std::string_view value) {
  JournalEntry entry;
  entry.begin();
  entry.field("F", value);
  return std::string(entry.text());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(journal_tests)

BOOST_AUTO_TEST_CASE(a_value_cannot_forge_a_field) {
  struct Row {
    const char* what;
    std::string value;
    std::string expected;
  };
  const std::vector<Row> rows{
      {"plain", "alice", "F=alice\n"},
      {"empty", "", "F=\n"},
      {"equals signs", "a=b", "F=a=b\n"},
      {"any bytes", "\xff\x00\r"s, "F=\xff\x00\r\n"s},
      {"a line feed", "a\nPRIORITY=0", "F\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n"s},
      {"a line feed at the end", "a\n", "F\n\x02\0\0\0\0\0\0\0a\n\n"s},
      {"a long value", "\n" + std::string(299, 'x'),
       "F\n\x2c\x01\0\0\0\0\0\0\n"s + std::string(299, 'x') + "\n"},
  };
  for (const Row& row : rows)
    BOOST_TEST(entry_with(row.value) == row.expected, row.what);
}

BOOST_AUTO_TEST_CASE(an_entry_is_one_datagram) {
  const DatagramReceiver receiver;
  const Journal journal(receiver.path);
  JournalEntry entry;
  for (const char* user : {"alice", "bob"}) {
    entry.begin();
    entry.field("USER", user);
    entry.field("RULE", "own");
    BOOST_TEST(journal.send(entry));
    BOOST_TEST(receiver.receive() == "USER="s + user + "\nRULE=own\n");
  }
}

BOOST_AUTO_TEST_CASE(says_that_the_journal_is_away_full_or_too_small) {
  JournalEntry entry;
  entry.field("F", "x");
  BOOST_TEST(!Journal("/nonexistent/socket").send(entry));

  const DatagramReceiver receiver;
  const Journal journal(receiver.path);
  JournalEntry large;
  large.field("F", std::string(8U << 20U, 'x'));
  BOOST_TEST(!journal.send(large), "too large");
  bool fits = true;
  for (int i = 0; i < 100'000 && fits; ++i)
    fits = journal.send(entry);
  BOOST_TEST(!fits, "nobody reads, and nobody waits");
  BOOST_TEST(receiver.receive() == "F=x\n");
  BOOST_TEST(journal.send(entry), "there is room again");
}

BOOST_AUTO_TEST_CASE(knows_whether_a_descriptor_leads_to_the_journal) {
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::fstat(2, &status), 0);
  const std::string device = std::to_string(status.st_dev);
  const std::string inode = std::to_string(status.st_ino);
  struct Row {
    std::string stream;
    bool expected;
  };
  const std::vector<Row> rows{{device + ":" + inode, true},
                              {device + ":" + inode + "1", false},
                              {"1" + device + ":" + inode, false},
                              {device, false},
                              {"", false}};
  for (const Row& row : rows) {
    ::setenv("JOURNAL_STREAM", row.stream.c_str(), 1);
    BOOST_TEST(Journal::is_behind(2) == row.expected, row.stream);
  }
  ::unsetenv("JOURNAL_STREAM");
  BOOST_TEST(!Journal::is_behind(2));
  ::setenv("JOURNAL_STREAM", rows[0].stream.c_str(), 1);
  BOOST_TEST(!Journal::is_behind(999), "no descriptor");
  ::unsetenv("JOURNAL_STREAM");
}

BOOST_AUTO_TEST_SUITE_END()
