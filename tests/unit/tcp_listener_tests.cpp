#include "core/tcp_listener.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

BOOST_AUTO_TEST_SUITE(tcp_listener_tests)

BOOST_AUTO_TEST_CASE(where_workers_may_listen) {
  const std::string nobody =
      "server.allow_from: must list the addresses of nginx, since these workers listen on TCP";
  const std::string everywhere =
      "server.allow_public_bind: must be true for workers to listen on all addresses of the machine; better "
      "name one";
  const std::string outside =
      "server.allow_public_bind: must be true for workers to listen on an address that is not private";
  struct Row {
    const char* bound;
    const char* allowed;
    bool allow_public_bind;
    std::string faults;
  };
  const Row kRows[] = {
      {"10.0.0.2", "10.0.0.1", false, ""},
      {"127.0.0.1", "127.0.0.1", false, ""},
      {"fd00::2", "fd00::/64", false, ""},
      {"203.0.113.7", "203.0.113.1", true, ""},
      {"0.0.0.0", "10.0.0.1", true, ""},
      {"::", "10.0.0.1", true, ""},
      {"10.0.0.2", "", false, nobody},
      {"127.0.0.1", "", true, nobody},
      {"0.0.0.0", "10.0.0.1", false, everywhere},
      {"::", "10.0.0.1", false, everywhere},
      {"203.0.113.7", "10.0.0.1", false, outside},
      {"2001:db8::1", "10.0.0.1", false, outside},
      {"203.0.113.7", "", false, nobody + "; " + outside},
      {"::", "", true, nobody},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.bound << " for '" << row.allowed << "'") {
      ServerOptions server;
      if (*row.allowed != '\0') server.allow_from.push_back(*IpNetwork::parse(row.allowed));
      server.allow_public_bind = row.allow_public_bind;
      std::string faults;
      for (const ConfigFault& fault : faults_of_tcp_listener(server, *IpAddress::parse(row.bound)))
        faults.append(faults.empty() ? "" : "; ").append(fault.text());
      BOOST_TEST(faults == row.faults);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
