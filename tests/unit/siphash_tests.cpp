#include <boost/test/unit_test.hpp>
#include <string>

#include "core/siphash.hpp"

using namespace blobvalet;

BOOST_AUTO_TEST_SUITE(siphash_tests)

// Key 00..0f, message 00, 01, 02, ...: the first of the reference implementation's vectors (vectors_sip64,
// github.com/veorq/SipHash), and the one that the paper works out in its appendix A (15 bytes).
BOOST_AUTO_TEST_CASE(the_reference_vectors) {
  constexpr std::array<std::uint64_t, 2> kKey{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
  struct Row {
    std::size_t size;
    std::uint64_t hash;
  };
  constexpr Row kRows[] = {
      {0, 0x726fdb47dd0e0e31U}, {1, 0x74f839c593dc67fdU}, {2, 0x0d6c8009d9a94f5aU},  {3, 0x85676696d7fb7e2dU},
      {7, 0xab0200f58b01d137U}, {8, 0x93f5f5799a932462U}, {15, 0xa129ca6149be45e5U},
  };
  for (const Row& row : kRows) {
    std::string message;
    for (std::size_t i = 0; i < row.size; ++i)
      message.push_back(static_cast<char>(i));
    BOOST_TEST_CONTEXT(row.size << " bytes") BOOST_TEST(siphash(kKey, message) == row.hash);
  }
}

BOOST_AUTO_TEST_CASE(another_key_gives_another_hash) {
  BOOST_TEST(siphash({1, 2}, "alice") != siphash({1, 3}, "alice"));
  BOOST_TEST(siphash({1, 2}, "alice") != siphash({2, 2}, "alice"));
  BOOST_TEST(siphash({1, 2}, "alice") != siphash({1, 2}, "alicf"));
}

BOOST_AUTO_TEST_SUITE_END()
