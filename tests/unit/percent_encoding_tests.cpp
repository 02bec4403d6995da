#include "core/percent_encoding.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

std::string in_query(std::string_view raw) {
  std::string out;
  append_query_encoded(out, raw);
  return out;
}
std::string in_path(std::string_view raw) {
  std::string out;
  append_path_encoded(out, raw);
  return out;
}

using Decode = bool (*)(std::string&, std::string_view);
constexpr struct {
  const char* name;
  Decode decode;
} kDecoders[] = {{"percent", append_percent_decoded}, {"form", append_form_decoded}};

}  // namespace

BOOST_AUTO_TEST_SUITE(percent_encoding_tests)

// RFC 3986 section 2.3: exactly these are unreserved.
BOOST_AUTO_TEST_CASE(every_byte_is_bare_or_escaped_as_the_rfc_says) {
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (unsigned byte = 0; byte < 256; ++byte) {
    BOOST_TEST_CONTEXT("byte " << byte) {
      const std::string raw(1, static_cast<char>(byte));
      const std::string escape{'%', kHex[byte / 16U], kHex[byte % 16U]};
      const bool bare = kUnreserved.find(raw) != std::string_view::npos;
      BOOST_TEST(in_query(raw) == (bare ? raw : escape));
      BOOST_TEST(in_path(raw) == (bare || raw == "/" ? raw : escape));
    }
  }
}

BOOST_AUTO_TEST_CASE(text_is_appended_to_what_is_there) {
  std::string out = "a b?";
  append_query_encoded(out, "c d");
  append_path_encoded(out, "/e f");
  BOOST_TEST(append_percent_decoded(out, "%20+"));
  BOOST_TEST(append_form_decoded(out, "%20+"));
  BOOST_TEST(out == "a b?c%20d/e%20f +  ");
}

BOOST_AUTO_TEST_CASE(escapes_are_decoded_once) {
  struct Row {
    const char* name;
    std::string_view encoded;
    std::string_view percent;
    std::string_view form;
  };
  const Row rows[] = {
      {"nothing", "", "", ""},
      {"no escape", "abc/?&=~", "abc/?&=~", "abc/?&=~"},
      {"plus", "a+b", "a+b", "a b"},
      {"an escaped plus", "a%2Bb", "a+b", "a+b"},
      {"both letter cases", "%c3%A4", "\xc3\xa4", "\xc3\xa4"},
      {"an escaped percent sign", "%2541", "%41", "%41"},
      {"a NUL", "%00", "\0"sv, "\0"sv},
      {"bytes that are no UTF-8", "%ff%FE", "\xff\xfe", "\xff\xfe"},
      {"digits behind the escape", "%20202", " 202", " 202"},
      {"what nobody had to escape", "%61%2f", "a/", "a/"},
      {"unescaped bytes pass", "\xc3\xa4 \x01", "\xc3\xa4 \x01", "\xc3\xa4 \x01"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      std::string percent;
      std::string form;
      BOOST_TEST(append_percent_decoded(percent, row.encoded));
      BOOST_TEST(append_form_decoded(form, row.encoded));
      BOOST_TEST(percent == row.percent);
      BOOST_TEST(form == row.form);
    }
  }
}

BOOST_AUTO_TEST_CASE(malformed_escapes_are_refused_not_repaired) {
  constexpr std::string_view kMalformed[] = {
      "%",      "%4",        "%%",    "%%41", "%4%", "abc%", "abc%4", "%g0",    "%0g",
      "%G0",    "% 1",       "%+1",   "%1+",  "%-1", "%0x",  "%x0",   "%u0041", "%\0"sv,
      "%4\0"sv, "%\xc3\xa4", "%41%4", "a%2",  "%2/", "%:0",  "%@0",   "%`0",    "%/0",
  };
  for (const auto& [name, decode] : kDecoders) {
    for (const std::string_view text : kMalformed) {
      BOOST_TEST_CONTEXT(name << ": " << text) {
        std::string out;
        BOOST_TEST(!decode(out, text));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_was_encoded_decodes_to_the_same) {
  std::string every_byte;
  for (unsigned byte = 0; byte < 256; ++byte)
    every_byte.push_back(static_cast<char>(byte));
  for (const auto& [name, decode] : kDecoders) {
    for (const std::string& encoded : {in_query(every_byte), in_path(every_byte), escaped(every_byte)}) {
      BOOST_TEST_CONTEXT(name) {
        std::string decoded;
        BOOST_TEST(decode(decoded, encoded));
        BOOST_TEST(decoded == every_byte);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
