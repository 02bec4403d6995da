#include "core/sha256.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

BOOST_AUTO_TEST_SUITE(sha256_tests)

// FIPS 180-4's examples, as published by NIST, and the empty text.
BOOST_AUTO_TEST_CASE(published_vectors_come_out) {
  struct Row {
    const char* name;
    std::string text;
    const char* digest;
  };
  const Row rows[] = {
      {"empty", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"one block", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"many blocks", std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(sha256_hex(row.text) == row.digest);
      const auto digits = sha256_digits(row.text);
      BOOST_TEST(std::string_view(digits.data(), digits.size()) == row.digest);
      std::string hexadecimal;
      for (const unsigned char byte :
           sha256(std::span(reinterpret_cast<const unsigned char*>(row.text.data()), row.text.size()))) {
        hexadecimal.push_back("0123456789abcdef"[byte / 16U]);
        hexadecimal.push_back("0123456789abcdef"[byte % 16U]);
      }
      BOOST_TEST(hexadecimal == row.digest);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
