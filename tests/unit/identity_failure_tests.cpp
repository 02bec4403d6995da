#include "core/identity_failure.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace std::literals;

BOOST_AUTO_TEST_SUITE(identity_failure_tests)

BOOST_AUTO_TEST_CASE(secrets_go_by_https_or_stay_here) {
  for (const char* url :
       {"https://a", "https://a/", "HTTPS://a.example.com:8443/b/c", "https://127.0.0.1:10000/d",
        "http://127.0.0.1", "http://127.0.0.1:1/a", "http://localhost/", "Http://localhost:80",
        "http://[::1]", "http://[::1]:65535/a"}) {
    BOOST_TEST_CONTEXT(url) {
      BOOST_TEST(is_confidential_url(url));
    }
  }
  for (const char* url : {"",
                          "a",
                          "//a",
                          "https",
                          "https:",
                          "https:/a",
                          "https://",
                          "https:///a",
                          "http://",
                          "http://a",
                          "http://169.254.169.254",
                          "http://127.0.0.2",
                          "http://127.0.0.10",
                          "http://127.0.0.1.a",
                          "http://localhosts",
                          "http://localhost.",
                          "http://localhost:",
                          "http://localhost:8a",
                          "http://[::1]a",
                          "http://[::]",
                          "http://::1",
                          "http://localhost@a",
                          "http://localhost:1@a",
                          "https://a@b",
                          "https://a?b",
                          "https://a#b",
                          "https://a\\b",
                          "https://a b",
                          " https://a",
                          "https://a\n",
                          "https://\xc3\xa4",
                          "ftp://localhost",
                          "file:///a"}) {
    BOOST_TEST_CONTEXT(url) {
      BOOST_TEST(!is_confidential_url(url));
    }
  }
  BOOST_TEST(!is_confidential_url("https://a\0"sv));
}

BOOST_AUTO_TEST_CASE(printable_is_what_a_header_can_hold) {
  for (int c = -128; c <= 127; ++c) {
    const std::string text{'a', static_cast<char>(c), 'b'};
    BOOST_TEST_CONTEXT(c) {
      BOOST_TEST(is_printable(text) == (c > ' ' && c < 0x7f));
    }
  }
  BOOST_TEST(!is_printable(""));
}

BOOST_AUTO_TEST_CASE(a_first_line_is_short_and_printable) {
  BOOST_TEST(first_line("") == "");
  BOOST_TEST(first_line("one two") == "one two");
  BOOST_TEST(first_line("one\r\ntwo") == "one");
  BOOST_TEST(first_line("one\ntwo") == "one");
  BOOST_TEST(first_line("\none") == "");
  BOOST_TEST(first_line("a\0\t\x7f\xc3\xa4z"sv) == "a?????z");
  BOOST_TEST(first_line(std::string(201, 'a')) == std::string(200, 'a'));
}

BOOST_AUTO_TEST_CASE(only_a_certificate_is_final) {
  for (const auto failure : {HttpFailure::unreachable, HttpFailure::timed_out, HttpFailure::untrusted,
                             HttpFailure::too_large, HttpFailure::malformed}) {
    const IdentityFailure result = no_answer("who", failure);
    BOOST_TEST(result.reason.starts_with("who "));
    BOOST_TEST(result.is_final == (failure == HttpFailure::untrusted));
    BOOST_TEST(!result.is_unauthorized);
  }
}

BOOST_AUTO_TEST_SUITE_END()
