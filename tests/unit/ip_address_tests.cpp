#include <arpa/inet.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "core/ip_address.hpp"

using namespace blobvalet;

namespace {

IpAddress address(std::string_view text) {
  const auto parsed = IpAddress::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), "no address: " << text);
  return *parsed;
}

/// What the C library makes of it.
std::optional<IpAddress> reference(const std::string& text) {
  std::array<unsigned char, 4> v4{};
  if (::inet_pton(AF_INET, text.c_str(), v4.data()) == 1) return IpAddress(v4);
  IpAddress::Bytes v6{};
  if (::inet_pton(AF_INET6, text.c_str(), v6.data()) == 1) return IpAddress(v6);
  return std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(ip_address_tests)

BOOST_AUTO_TEST_CASE(addresses_are_read_as_the_c_library_reads_them) {
  for (const char* text : {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::", "::1", "fd00::1", "FD00::aB",
                           "1:2:3:4:5:6:7:8", "1::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "::ffff:10.0.0.1",
                           "64:ff9b::192.0.2.1", "1:2:3:4:5:6:192.0.2.1", "0001:0:0:0:0:0:0:0001"}) {
    BOOST_TEST_CONTEXT(text) {
      const auto parsed = IpAddress::parse(text);
      BOOST_REQUIRE(parsed.has_value());
      BOOST_TEST((parsed == reference(text)));
    }
  }
}

BOOST_AUTO_TEST_CASE(other_texts_are_no_addresses) {
  for (const char* text : {"",
                           " ",
                           "10",
                           "10.0.0",
                           "10.0.0.0.1",
                           "10.0.0.256",
                           "10.0.0.-1",
                           "10.0.0.+1",
                           "10.0.0.01",
                           "10.0.0.",
                           ".10.0.0",
                           "10..0.1",
                           "10.0.0.1 ",
                           " 10.0.0.1",
                           "10.0.0.1/32",
                           "0x0a.0.0.1",
                           "localhost",
                           "unix:",
                           ":",
                           ":::",
                           "1:",
                           ":1",
                           "1:2:3:4:5:6:7",
                           "1:2:3:4:5:6:7:8:9",
                           "1:2:3:4:5:6:7:8::",
                           "1::2::3",
                           "::12345",
                           "::g",
                           "::1%eth0",
                           "[::1]",
                           "::10.0.0",
                           "::10.0.0.256",
                           "10.0.0.1::",
                           "1:10.0.0.1:2::",
                           "1:2:3:4:5:6:7:10.0.0.1",
                           "::ffff:10.0.0.1:1",
                           "::1:",
                           "fd00::00000001"}) {
    BOOST_TEST_CONTEXT("'" << text << "'") {
      BOOST_TEST(!IpAddress::parse(text).has_value());
      BOOST_TEST(!reference(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_mapped_address_is_the_plain_one) {
  BOOST_TEST((address("::ffff:10.0.0.1") == address("10.0.0.1")));
  BOOST_TEST((address("::10.0.0.1") != address("10.0.0.1")));
  BOOST_TEST(address("::ffff:a00:1").is_ipv4());
  BOOST_TEST(!address("::1").is_ipv4());
}

BOOST_AUTO_TEST_CASE(what_an_address_is_for) {
  struct Row {
    const char* text;
    bool is_private;
    bool is_unspecified;
  };
  constexpr Row kRows[] = {
      {"0.0.0.0", false, true},
      {"::", false, true},
      {"::ffff:0.0.0.0", false, true},
      {"0.0.0.1", false, false},
      {"9.255.255.255", false, false},
      {"10.0.0.0", true, false},
      {"10.255.255.255", true, false},
      {"11.0.0.0", false, false},
      {"172.15.255.255", false, false},
      {"172.16.0.0", true, false},
      {"172.31.255.255", true, false},
      {"172.32.0.0", false, false},
      {"192.167.255.255", false, false},
      {"192.168.0.0", true, false},
      {"192.168.255.255", true, false},
      {"192.169.0.0", false, false},
      {"100.63.255.255", false, false},
      {"100.64.0.0", true, false},
      {"100.127.255.255", true, false},
      {"100.128.0.0", false, false},
      {"169.254.169.254", true, false},
      {"127.0.0.1", true, false},
      {"203.0.113.7", false, false},
      {"::1", true, false},
      {"::2", false, false},
      {"fbff::1", false, false},
      {"fc00::1", true, false},
      {"fdff::1", true, false},
      {"fe00::1", false, false},
      {"fe80::1", true, false},
      {"febf::1", true, false},
      {"fec0::1", false, false},
      {"2001:db8::1", false, false},
      {"::ffff:10.1.2.3", true, false},
      {"::ffff:8.8.8.8", false, false},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.text) {
      BOOST_TEST(address(row.text).is_private() == row.is_private);
      BOOST_TEST(address(row.text).is_unspecified() == row.is_unspecified);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_network_holds_what_begins_as_it_does) {
  struct Row {
    const char* network;
    const char* address;
    bool holds;
  };
  constexpr Row kRows[] = {
      {"10.0.0.2", "10.0.0.2", true},
      {"10.0.0.2", "10.0.0.3", false},
      {"10.0.0.2", "::ffff:10.0.0.2", true},
      {"10.0.0.0/24", "10.0.0.255", true},
      {"10.0.0.0/24", "10.0.1.0", false},
      {"10.0.0.0/31", "10.0.0.1", true},
      {"10.0.0.0/31", "10.0.0.2", false},
      {"10.0.0.4/30", "10.0.0.7", true},
      {"10.0.0.4/30", "10.0.0.8", false},
      {"10.0.0.0/8", "10.255.0.1", true},
      {"10.0.0.0/8", "a00::1", false},
      {"10.0.0.2/32", "10.0.0.2", true},
      {"10.0.0.2/32", "10.0.0.3", false},
      {"128.0.0.0/1", "200.0.0.1", true},
      {"128.0.0.0/1", "127.0.0.1", false},
      {"fd00::/64", "fd00::1:2:3:4", true},
      {"fd00::/64", "fd00:0:0:1::1", false},
      {"fd00::1", "fd00::1", true},
      {"fd00::1", "fd00::2", false},
      {"fd00::8/125", "fd00::f", true},
      {"fd00::8/125", "fd00::10", false},
      {"::ffff:10.0.0.0/120", "10.0.0.9", true},
      {"::ffff:10.0.0.0/120", "10.0.1.9", false},
      {"fd00::/8", "10.0.0.1", false},
      {"10.0.0.0/24", "fd00::1", false},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.network << " and " << row.address) {
      const auto network = IpNetwork::parse(row.network);
      BOOST_REQUIRE(network.has_value());
      BOOST_TEST(network->contains(address(row.address)) == row.holds);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_texts_are_no_networks) {
  for (const char* text : {"",
                           "/24",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/+8",
                           "10.0.0.0/024",
                           "10.0.0.0/8 ",
                           "10.0.0.0/8/8",
                           "10.0.0.1/24",
                           "10.0.0.128/24",
                           "fd00::/129",
                           "fd00::1/64",
                           "fd00::/a",
                           "10.0.0.0-10.0.0.9",
                           "10.0.0.*",
                           "10.0.0.0/255.255.255.0",
                           "*",
                           "all",
                           "::ffff:10.0.0.1/120"}) {
    BOOST_TEST_CONTEXT("'" << text << "'") BOOST_TEST(!IpNetwork::parse(text).has_value());
  }
}

BOOST_AUTO_TEST_CASE(no_networks_hold_nobody) {
  BOOST_TEST(!contains({}, address("10.0.0.1")));
  BOOST_TEST(
      contains({*IpNetwork::parse("10.1.0.0/16"), *IpNetwork::parse("10.0.0.1")}, address("10.0.0.1")));
}

BOOST_AUTO_TEST_SUITE_END()
