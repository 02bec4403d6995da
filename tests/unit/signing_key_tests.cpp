#include "core/signing_key.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(signing_key_tests)

BOOST_AUTO_TEST_CASE(an_account_key_is_base64_with_blanks_around_it) {
  struct Row {
    const char* name;
    std::string text;
    std::size_t size;
  };
  const std::string key(kDevelopmentKey);
  const Row rows[] = {
      {"the development key", key, 64},
      {"with a line feed, as editors leave it", key + "\n", 64},
      {"with blanks all around", " \t\r\n" + key + "\r\n \t", 64},
      {"the shortest", "MDEyMzQ1Njc4OWFiY2RlZg==", 16},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto parsed = AccountKey::parse(row.text);
      BOOST_REQUIRE(parsed.has_value());
      BOOST_TEST(parsed->bytes().size() == row.size);
    }
  }
}

BOOST_AUTO_TEST_CASE(any_other_text_is_no_key) {
  struct Row {
    const char* name;
    std::string text;
  };
  const std::string key(kDevelopmentKey);
  const Row rows[] = {
      {"empty", ""},
      {"only blanks", " \n\t\r\n"},
      {"15 bytes", "MDEyMzQ1Njc4OWFiY2Rl"},
      {"one byte", "Zg=="},
      {"a character cut off", key.substr(0, key.size() - 1)},
      {"the padding cut off", key.substr(0, key.size() - 2)},
      {"in quotes", "\"" + key + "\""},
      {"a connection string", "AccountName=devstoreaccount1;AccountKey=" + key},
      {"broken into lines", key.substr(0, 44) + "\n" + key.substr(44)},
      {"two keys", key + "\n" + key},
      {"a form feed at the end", key + "\f"},
      {"a NUL at the end", key + "\0"s},
      {"a byte order mark", "\xef\xbb\xbf" + key},
      {"base64 for URLs", "-_-_-_-_-_-_-_-_-_-_-_-_"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(!AccountKey::parse(row.text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_delegation_key_shows_its_public_half_as_it_came) {
  UserDelegationKey key{"oid", "tid", "start", "expiry", "b", "2023-11-03", "utid", secret("value")};
  const DelegationKeyFields fields = key.fields();
  BOOST_TEST(fields.object_id == "oid");
  BOOST_TEST(fields.tenant_id == "tid");
  BOOST_TEST(fields.start == "start");
  BOOST_TEST(fields.expiry == "expiry");
  BOOST_TEST(fields.service == "b");
  BOOST_TEST(fields.version == "2023-11-03");
  BOOST_TEST(fields.user_tenant_id == "utid");
}

// SHA-256 of `0123456789abcdef` by sha256sum.
BOOST_AUTO_TEST_CASE(a_fingerprint_is_the_beginning_of_a_digest) {
  const auto short_key = account_key("MDEyMzQ1Njc4OWFiY2RlZg==");
  const KeyFingerprint fingerprint(*short_key);
  BOOST_TEST(fingerprint.text() == "9f9f5111f7b27a78");
  BOOST_TEST(fingerprint.number() == 0x9f9f5111f7b27a78U);
  // Whatever kind of key it is, the secret counts.
  const SigningKey delegation =
      UserDelegationKey{"oid", "tid", "start", "expiry", "b", "v", "", secret("0123456789abcdef")};
  BOOST_TEST((KeyFingerprint(delegation) == fingerprint));
  BOOST_TEST((KeyFingerprint(*account_key()) != fingerprint));
  BOOST_TEST(KeyFingerprint(*account_key()).text().size() == 16U);
  BOOST_TEST(std::string(kDevelopmentKey).find(KeyFingerprint(*account_key()).text()) == std::string::npos);
}

// A leading zero is a digit like any other.
BOOST_AUTO_TEST_CASE(every_fingerprint_has_16_digits) {
  for (int i = 0; i < 2000; ++i) {
    UserDelegationKey key;
    key.value = secret("key number " + std::to_string(i));
    const KeyFingerprint fingerprint{SigningKey(std::move(key))};
    BOOST_TEST(fingerprint.text().size() == 16U);
    BOOST_TEST(std::stoull(fingerprint.text(), nullptr, 16) == fingerprint.number());
  }
}

BOOST_AUTO_TEST_SUITE_END()
