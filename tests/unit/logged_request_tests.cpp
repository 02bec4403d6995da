#include <boost/test/unit_test.hpp>
#include <string>

#include "core/logged_request.hpp"

using namespace blobvalet;

namespace {

const std::string kLine =
    R"({"time":"2026-03-01T12:00:00Z","request_id":"id-1","endpoint":"signature","user":"b\u00f6b \"x\"",)"
    R"("remote_addr":"203.0.113.7","vars":{"tenant":"t1","team":""},"verb":"PUT","account":"acme",)"
    R"("container":"uploads","alias":"https://cdn.example","blob":"b/a.txt","rule":"own","file_size":7,"file_type":"image/png","part":3,"permissions":"cw",)"
    R"("starts":"2026-03-01T11:45:00Z","expires":"2026-03-01T12:15:00Z","lifetime_seconds":900,"ip":"203.0.113.7",)"
    R"("bound":true,"signature_sha256":"abc","status":200,"outcome":"ok","code":"ok","cut_short_seconds":5,"micros":9})";

/// As `journalctl --output=json` writes it, the message in quotes.
std::string in_journal(std::string_view message) {
  std::string quoted;
  for (const char c : message) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return R"({"_PID":"7","MESSAGE":")" + quoted + R"(","__REALTIME_TIMESTAMP":"1","X":{"code":"bad"}})";
}

/// The same, as journald writes what it does not take for text.
std::string in_journal_as_bytes(std::string_view message) {
  std::string bytes;
  for (const char c : message)
    bytes.append(bytes.empty() ? "" : ",").append(std::to_string(static_cast<unsigned char>(c)));
  return R"({"MESSAGE":[)" + bytes + R"(],"_PID":"7"})";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(logged_request_tests)

BOOST_AUTO_TEST_CASE(a_line_is_read_whatever_stands_around_it) {
  const struct {
    const char* name;
    std::string line;
  } rows[] = {
      {"as written", kLine},
      {"journalctl, short", "Mar 01 12:00:00 web1 blobvalet[712]: " + kLine},
      {"a container's runtime", "2026-03-01T12:00:00.1Z stderr F " + kLine},
      {"a carriage return behind it", kLine + "\r"},
      {"journalctl, JSON", in_journal(kLine)},
      {"journalctl, JSON, bytes", in_journal_as_bytes(kLine)},
  };
  LogReader reader;
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const LoggedRequest* line = reader.read(row.line);
      BOOST_REQUIRE(line != nullptr);
      BOOST_TEST(line->time == "2026-03-01T12:00:00Z");
      BOOST_TEST(line->user ==
                 "b\xc3\xb6"
                 "b \"x\"");
      BOOST_TEST(line->remote_addr == "203.0.113.7");
      BOOST_TEST(line->var("tenant").value() == "t1");
      BOOST_TEST(line->var("team").value() == "");
      BOOST_TEST(!line->var("site").has_value());
      BOOST_TEST(line->blob == "b/a.txt");
      BOOST_TEST(line->alias == "https://cdn.example");
      BOOST_TEST(line->file_size.value() == 7);
      BOOST_TEST(line->file_type == "image/png");
      BOOST_TEST(line->part.value() == 3);
      BOOST_TEST(line->lifetime_seconds.value() == 900);
      BOOST_TEST(line->cut_short_seconds.value() == 5);
      BOOST_TEST(line->bound);
      BOOST_TEST(!line->name_cut);
      BOOST_TEST(line->status.value() == 200);
      BOOST_TEST(line->signature_sha256 == "abc");
    }
  }
}

BOOST_AUTO_TEST_CASE(what_tells_of_no_request_is_passed_over) {
  const struct {
    const char* name;
    std::string line;
  } rows[] = {
      {"nothing", ""},
      {"a text", "Started blobvalet."},
      {"about the worker", R"({"time":"2026-03-01T12:00:00Z","event":"started","pid":7})"},
      {"cut off", kLine.substr(0, kLine.size() / 2)},
      {"no JSON", "{started}"},
      {"somebody else's", R"({"endpoint":"x","level":"info"})"},
      {"fields one level down", R"({"a":)" + kLine + "}"},
      {"a list", "[" + kLine.substr(0, 0) + "1]"},
      {"a journal's line of another unit", in_journal("hello")},
      {"a journal's message too long to be shown", R"({"MESSAGE":null,"_PID":"7"})"},
      {"no endpoint", R"({"code":"ok"})"},
      {"deep JSON", std::string(100000, '{')},
  };
  LogReader reader;
  for (const auto& row : rows)
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(reader.read(row.line) == nullptr);
    }
}

BOOST_AUTO_TEST_CASE(nothing_is_left_of_the_line_before) {
  LogReader reader;
  BOOST_REQUIRE(reader.read(kLine) != nullptr);
  const LoggedRequest* line = reader.read(R"({"endpoint":"health","code":"ok","status":"200"})");
  BOOST_REQUIRE(line != nullptr);
  BOOST_TEST(line->user == "");
  BOOST_TEST(line->vars.empty());
  BOOST_TEST(!line->status.has_value());
  BOOST_TEST(!line->bound);
}

BOOST_AUTO_TEST_SUITE_END()
