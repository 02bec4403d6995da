#include <fcntl.h>
#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>

#include "fcgi/service_manager.hpp"
#include "tests/unit/datagram_receiver.hpp"

using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

/// What systemd sets, for as long as this lives.
struct Environment {
  Environment(std::initializer_list<std::pair<const char*, std::string>> variables) {
    for (const auto& [name, value] : variables)
      ::setenv(name, value.c_str(), 1);
  }
  ~Environment() {
    for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"})
      ::unsetenv(name);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  Environment(Environment&&) = delete;
  Environment& operator=(Environment&&) = delete;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(service_manager_tests)

BOOST_AUTO_TEST_CASE(says_what_sd_notify_would_say) {
  const DatagramReceiver systemd;
  const Environment environment{{"NOTIFY_SOCKET", systemd.path}};
  const ServiceManager manager;
  manager.ready("two requests");
  BOOST_TEST(systemd.receive() == "READY=1\nSTATUS=two requests");
  manager.alive("three");
  BOOST_TEST(systemd.receive() == "WATCHDOG=1\nSTATUS=three");
  manager.reloading();
  BOOST_TEST(systemd.receive().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  manager.stopping();
  BOOST_TEST(systemd.receive().starts_with("STOPPING=1\n"));
  BOOST_TEST(systemd.receive() == "nothing");
}

BOOST_AUTO_TEST_CASE(does_nothing_without_systemd) {
  for (const std::string& socket : {std::string(), std::string("/nonexistent"), std::string(200, 'x')}) {
    const Environment environment{{"NOTIFY_SOCKET", socket}};
    ServiceManager manager;
    manager.ready("");
    manager.keep(2);
    BOOST_TEST(!manager.take_kept().valid());
    BOOST_TEST(!manager.watchdog());
  }
}

BOOST_AUTO_TEST_CASE(leaves_nothing_to_children) {
  const Environment environment{{"NOTIFY_SOCKET", "/x"}, {"WATCHDOG_USEC", "1"}, {"WATCHDOG_PID", "1"}};
  const ServiceManager manager;
  for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
    BOOST_TEST(std::getenv(name) == nullptr);
}

BOOST_AUTO_TEST_CASE(knows_how_long_systemd_waits) {
  const std::string us = std::to_string(::getpid());
  struct Row {
    const char* what;
    std::string microseconds;
    std::string pid;
    int milliseconds;  ///< 0: nobody waits
  };
  const std::vector<Row> rows{
      {"for us", "4000000", us, 4000},
      {"for whoever it is", "4000000", "", 4000},
      {"for somebody else", "4000000", us + "0", 0},
      {"never", "0", us, 0},
      {"no number", "4s", us, 0},
      {"negative", "-4", us, 0},
      {"nothing", "", us, 0},
  };
  for (const Row& row : rows) {
    const Environment environment{{"WATCHDOG_USEC", row.microseconds}, {"WATCHDOG_PID", row.pid}};
    const auto watchdog = ServiceManager().watchdog();
    BOOST_TEST(watchdog.value_or(std::chrono::milliseconds(0)).count() == row.milliseconds, row.what);
  }
}

BOOST_AUTO_TEST_CASE(has_a_descriptor_kept) {
  const DatagramReceiver systemd;
  const Environment environment{{"NOTIFY_SOCKET", systemd.path}};
  const TempDir dir;
  dir.write("lock", "");
  const FileDescriptor lock(::open((dir.path() / "lock").c_str(), O_RDONLY | O_CLOEXEC));
  ServiceManager().keep(lock.get());
  BOOST_TEST(systemd.receive() == "FDSTOREREMOVE=1\nFDNAME=blobvalet");
  FileDescriptor kept;
  BOOST_TEST(systemd.receive(&kept) == "FDSTORE=1\nFDNAME=blobvalet");
  struct stat one {};
  struct stat other {};
  BOOST_REQUIRE_EQUAL(::fstat(lock.get(), &one), 0);
  BOOST_REQUIRE_EQUAL(::fstat(kept.get(), &other), 0);
  BOOST_TEST(one.st_ino == other.st_ino);
}

BOOST_AUTO_TEST_CASE(takes_no_descriptor_that_is_not_meant_for_it) {
  const std::string us = std::to_string(::getpid());
  const std::vector<std::pair<std::string, std::string>> rows{{"1", us}, {"2", us}, {"1", "1"}, {"", ""}};
  for (const auto& [count, pid] : rows) {
    const Environment environment{{"LISTEN_FDS", count}, {"LISTEN_PID", pid}};
    BOOST_TEST(!ServiceManager().take_kept().valid(), "without its name");
  }
}

BOOST_AUTO_TEST_SUITE_END()
