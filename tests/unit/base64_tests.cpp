#include "core/base64.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

std::string text_of(const SecretBytes& bytes) {
  return {bytes.reveal().begin(), bytes.reveal().end()};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(base64_tests)

// RFC 4648 section 10, and all characters of the alphabet's end.
BOOST_AUTO_TEST_CASE(strict_base64_is_decoded) {
  struct Row {
    const char* text;
    std::string_view bytes;
  };
  const Row rows[] = {
      {"Zg==", "f"},         {"Zm8=", "fo"},         {"Zm9v", "foo"},  {"Zm9vYg==", "foob"},
      {"Zm9vYmE=", "fooba"}, {"Zm9vYmFy", "foobar"}, {"AA==", "\0"sv}, {"+/+/", "\xfb\xff\xbf"sv},
      {"/w==", "\xff"sv},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.text) {
      const auto bytes = decode_base64(row.text);
      BOOST_REQUIRE(bytes.has_value());
      BOOST_TEST(text_of(*bytes) == row.bytes);
      BOOST_TEST(decoded_base64_size(row.text).value_or(0) == row.bytes.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused) {
  struct Row {
    const char* name;
    std::string text;
  };
  const Row rows[] = {
      {"empty", ""},
      {"one character", "Z"},
      {"no padding", "Zg"},
      {"padding cut short", "Zg="},
      {"too much padding", "Zg==="},
      {"padding only", "===="},
      {"three paddings", "Z==="},
      {"padding within", "Z=g="},
      {"padding first", "=Zg="},
      {"two texts joined", "Zg==Zg=="},
      {"stray bits before two paddings", "Zh=="},
      {"stray bits before one padding", "Zm9="},
      {"a blank in front", " Zm9"},
      {"a blank at the end", "Zm9 "},
      {"a line feed at the end", "Zm9v\n"},
      {"a line feed within", "Zm\n9"},
      {"the alphabet for URLs", "-_-_"},
      {"a NUL", "Zm9\0"s},
      {"a byte above ASCII", "Zm9\xff"},
      {"longer than a mebibyte", std::string((1U << 20U) + 4U, 'A')},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(!decode_base64(row.text).has_value());
      BOOST_TEST(!decoded_base64_size(row.text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_digest_is_encoded_with_its_padding) {
  // SHA-256 of the empty text (FIPS 180-4 example), in base64.
  const std::string digest = unescaped(
      "%e3%b0%c4%42%98%fc%1c%14%9a%fb%f4%c8%99%6f%b9%24%27%ae%41%e4%64%9b%93%4c%a4%95%99%1b%78%52%b8%55");
  std::array<unsigned char, 32> bytes{};
  std::copy(digest.begin(), digest.end(), bytes.begin());
  const auto text = encode_base64(bytes);
  BOOST_TEST(std::string_view(text.data(), text.size()) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

// RFC 4648 section 10 again, the other way.
BOOST_AUTO_TEST_CASE(a_secret_of_any_size_is_encoded) {
  struct Row {
    std::string_view bytes;
    const char* text;
  };
  const Row rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xbf"sv, "+/+/"},
      {"\0"sv, "AA=="},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.text) {
      BOOST_TEST(text_of(encode_base64(secret(row.bytes))) == row.text);
    }
  }
  for (std::size_t size = 1; size < 200; ++size) {
    const SecretBytes bytes = secret(std::string(size, '\xa5'));
    const auto decoded = decode_base64(text_of(encode_base64(bytes)));
    BOOST_REQUIRE(decoded.has_value());
    BOOST_TEST(text_of(*decoded) == text_of(bytes));
  }
}

BOOST_AUTO_TEST_CASE(what_was_encoded_decodes_to_the_same) {
  for (unsigned seed = 0; seed < 256; ++seed) {
    std::array<unsigned char, 32> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<unsigned char>(seed + i * (seed | 1U));
    const auto text = encode_base64(bytes);
    const auto decoded = decode_base64({text.data(), text.size()});
    BOOST_REQUIRE(decoded.has_value());
    BOOST_TEST(text_of(*decoded) == std::string(bytes.begin(), bytes.end()));
  }
}

BOOST_AUTO_TEST_SUITE_END()
