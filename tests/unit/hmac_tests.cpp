#include "core/hmac.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

std::string hex(const HmacSha256::Digest& digest) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest)
    text.append({kHex[byte / 16U], kHex[byte % 16U]});
  return text;
}

constexpr std::string_view kLongKeyTest = "Test Using Larger Than Block-Size Key - Hash Key First";

}  // namespace

BOOST_AUTO_TEST_SUITE(hmac_tests)

// RFC 4231 section 4: test cases 1 to 4, 6 and 7 in full, and of 5, which is given cut short, the first 128
// bits.
BOOST_AUTO_TEST_CASE(the_rfc_4231_vectors_pass) {
  std::string counting_key;
  for (char c = 1; c <= 25; ++c)
    counting_key.push_back(c);
  struct Row {
    const char* name;
    std::string key;
    std::string message;
    const char* digest;
  };
  const Row rows[] = {
      {"4.2 test case 1", std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"4.3 test case 2", "Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {"4.4 test case 3", std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {"4.5 test case 4", counting_key, std::string(50, '\xcd'),
       "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
      {"4.6 test case 5", std::string(20, '\x0c'), "Test With Truncation",
       "a3b6167473100ee06e0c796c2955552b"},
      {"4.7 test case 6", std::string(131, '\xaa'), std::string(kLongKeyTest),
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {"4.8 test case 7", std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The key needs "
       "to "
       "be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      HmacSha256 hmac(secret(row.key));
      BOOST_TEST(hex(hmac(row.message)).starts_with(row.digest));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_kept_key_signs_any_number_of_messages) {
  HmacSha256 hmac(secret(std::string(20, '\x0b')));
  const std::string first = hex(hmac("Hi There"));
  BOOST_TEST(hex(hmac("something else, and longer than before")) != first);
  BOOST_TEST(hex(hmac("")) != first);
  BOOST_TEST(hex(hmac("Hi There")) == first);
}

BOOST_AUTO_TEST_CASE(a_moved_context_still_signs) {
  HmacSha256 first(secret("Jefe"));
  HmacSha256 second(std::move(first));
  BOOST_TEST(hex(second("what do ya want for nothing?")).starts_with("5bdcc146bf60754e"));
}

BOOST_AUTO_TEST_CASE(keys_and_messages_may_hold_any_byte) {
  HmacSha256 with_nul(secret(std::string("a\0b", 3)));
  HmacSha256 cut_at_nul(secret("a"));
  BOOST_TEST(hex(with_nul("x")) != hex(cut_at_nul("x")));
  BOOST_TEST(hex(with_nul(std::string("x\0y", 3))) != hex(with_nul("x")));
}

BOOST_AUTO_TEST_SUITE_END()
