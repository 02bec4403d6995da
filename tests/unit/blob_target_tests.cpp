#include <random>

#include "core/blob_target.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

const std::string kEmoji = "\xf0\x9f\x98\x80";  // two UTF-16 units

EndpointUrl endpoint(std::string_view text) {
  auto url = EndpointUrl::parse(text);
  BOOST_REQUIRE_MESSAGE(url.has_value(), "no endpoint: " << text);
  return *url;
}

/// Host style, a custom domain with a path, two sovereign clouds, and two accounts in path style at one host.
EndpointTable table() {
  EndpointTable endpoints;
  const auto add = [&](std::string_view url, std::size_t index, std::string_view account) {
    BOOST_REQUIRE(endpoints.add(endpoint(url), index, account));
  };
  add("https://acct.blob.core.windows.net", 0, "acct");
  add("https://files.example.com/cdn", 0, "acct");
  add("https://acctcn.blob.core.chinacloudapi.cn", 1, "acctcn");
  add("https://acctgov.blob.core.usgovcloudapi.net", 2, "acctgov");
  add("http://127.0.0.1:10000/devstoreaccount1", 3, "devstoreaccount1");
  add("http://127.0.0.1:10000/devstoreaccount2", 4, "devstoreaccount2");
  add("http://[::1]:10000", 5, "loopback");
  return endpoints;
}

/// `index account endpoint container|blob`, or the refusal's code.
std::string outcome(std::string_view uri, BlobNames names = BlobNames::raw) {
  std::string decoded = "left from the request before";
  const EndpointTable endpoints = table();
  const auto target = endpoints.parse(uri, names, decoded);
  if (!target) return std::string(code_of(target));
  std::string text = std::to_string(target->account_index);
  text.append(" ").append(target->account).append(" ").append(target->endpoint_url).append(" ");
  return text.append(target->container.view()).append("|").append(target->blob.view());
}

const std::string kAcct = "0 acct https://acct.blob.core.windows.net ";
const std::string kHost = "https://acct.blob.core.windows.net";

}  // namespace

BOOST_AUTO_TEST_SUITE(blob_target_tests)

// "Naming and Referencing Containers, Blobs, and Metadata", learn.microsoft.com.
BOOST_AUTO_TEST_CASE(legal_container_names_are_accepted) {
  for (const std::string& name : {"abc"s, "a1-b2-c3"s, "000"s, "$root"s, "$web"s, std::string(63, 'a')}) {
    BOOST_TEST_CONTEXT(name) {
      const auto container = ContainerName::parse(name);
      BOOST_REQUIRE(container.has_value());
      BOOST_TEST(container->view() == name);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_container_names_are_refused) {
  const std::string rows[] = {
      "",
      "a",
      "ab",
      std::string(64, 'a'),
      "Abc",
      "aBc",
      "-abc",
      "abc-",
      "a--b",
      "---",
      "a_b",
      "a.b",
      "a b",
      "abc ",
      " abc",
      "abc\n",
      "a%62c",
      "a/b",
      "a\\b",
      "abc\0"s,
      "$logs",
      "$Root",
      "$rooty",
      "$",
      "..",
      ".",
      "...",
      "$blobchangefeed",
      "a\xc3\xa4"
      "c",
      "abc?",
      "abc#",
      "*",
  };
  for (const std::string& name : rows) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(!ContainerName::parse(name).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(legal_blob_names_are_accepted_as_they_are) {
  struct Row {
    const char* name;
    std::string blob;
    bool has_empty_segment = false;
  };
  const Row rows[] = {
      {"plain", "photo.jpg"},
      {"one character", "a"},
      {"one blank", " "},
      {"folders", "a/b/c"},
      {"a blank, a hash, a question mark", "my report #3 final?.pdf"},
      {"looks percent-encoded", "%41.txt"},
      {"lone percent signs", "100% %zz %"},
      {"an escaped slash", "a%2fb"},
      {"a twice escaped dot", "%252e%252e/x"},
      {"quotes, braces, plus, ampersand", "'\"{}+&=;,@!$()*[]<>|^`~"},
      {"looks like a URL", "https://evil.example/x", true},
      {"composed", "caf\xc3\xa9"},
      {"decomposed", "cafe\xcc\x81"},
      {"CJK", "\xe4\xb8\xad\xe6\x96\x87.txt"},
      {"emoji", kEmoji + ".png"},
      {"right to left", "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"},
      {"replacement's neighbours U+FFEF", "\xef\xbf\xaf"},
      {"the last before the private use area U+D7FF", "\xed\x9f\xbf"},
      {"the first behind it U+F900", "\xef\xa4\x80"},
      {"no-break space U+00A0",
       "a\xc2\xa0"
       "b"},
      {"hidden file", ".htaccess"},
      {"three dots", "..."},
      {"two dots and more", "..a/a../a..b"},
      {"a trailing dot", "report."},
      {"a segment with a trailing dot", "folder./x"},
      {"escaped dots and more", "%2e%2ea/%2ea/a%2e"},
      {"1,024 characters", std::string(1024, 'a')},
      {"1,024 units in 512 emoji", repeated(kEmoji, 512)},
      {"1,024 CJK characters", repeated("\xe4\xb8\xad", 1024)},
      {"254 segments", repeated("a/", 253) + "a"},
      {"an empty segment", "a//b", true},
      {"a leading slash", "/a", true},
      {"a trailing slash", "a/", true},
      {"one slash", "/", true},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto blob = BlobName::parse(row.blob);
      BOOST_REQUIRE_MESSAGE(blob.has_value(), show(blob));
      BOOST_TEST(blob->view() == row.blob);
      BOOST_TEST(blob->has_empty_segment() == row.has_empty_segment);
    }
  }
}

BOOST_AUTO_TEST_CASE(names_that_no_signature_could_fit_are_refused) {
  constexpr const char* kDots =
      "bad_blob_name | blob name | has a segment . or .. which URLs cannot carry | ";
  constexpr const char* kChar = "bad_blob_name | blob name | has a control, private-use or non-character | ";
  constexpr const char* kBackslash = "bad_blob_name | blob name | has a backslash; use / between folders | ";
  constexpr const char* kLong = "bad_blob_name | blob name | is longer than 1,024 characters | ";
  constexpr const char* kDeep = "bad_blob_name | blob name | has more than 254 segments | ";
  constexpr const char* kNoUtf8 = "bad_encoding | blob name | is not valid UTF-8 | ";
  struct Row {
    const char* name;
    std::string blob;
    const char* refusal;
  };
  const Row rows[] = {
      {"empty", "", "bad_blob_name | blob name | is empty | "},
      {"a dot", ".", kDots},
      {"two dots", "..", kDots},
      {"dots first", "../x", kDots},
      {"dots within", "a/../x", kDots},
      {"a dot within", "a/./x", kDots},
      {"dots at the end", "a/..", kDots},
      {"a dot at the end", "a/.", kDots},
      {"a dot, a slash", "./", kDots},
      {"an escaped dot", "%2e", kDots},
      {"an escaped dot, upper case", "a/%2E/b", kDots},
      {"two escaped dots", "%2e%2e/x", kDots},
      {"two escaped dots, upper case", "a/%2E%2E", kDots},
      {"half escaped", ".%2e/x", kDots},
      {"the other half escaped", "a/%2E./x", kDots},
      {"dots behind an empty segment", "a//../x", kDots},
      {"a backslash", "a\\b", kBackslash},
      {"dots with a backslash", "..\\x", kBackslash},
      {"NUL", "a\0b"s, kChar},
      {"NUL at the end", "a.txt\0"s, kChar},
      {"tab, which URL parsers drop", ".\t./x", kChar},
      {"line feed, which URL parsers drop", ".\n./x", kChar},
      {"carriage return", "a\rb", kChar},
      {"U+001F", "a\x1f", kChar},
      {"delete", "a\x7f", kChar},
      {"U+0080", "\xc2\x80", kChar},
      {"next line U+0085", "a\xc2\x85", kChar},
      {"U+009F", "\xc2\x9f", kChar},
      {"private use U+E000", "\xee\x80\x80", kChar},
      {"private use U+F8FF", "\xef\xa3\xbf", kChar},
      {"non-character U+FDD0", "\xef\xb7\x90", kChar},
      {"non-character U+FDEF", "\xef\xb7\xaf", kChar},
      {"special U+FFF0", "\xef\xbf\xb0", kChar},
      {"replacement character U+FFFD", "\xef\xbf\xbd", kChar},
      {"non-character U+FFFE", "\xef\xbf\xbe", kChar},
      {"non-character U+FFFF", "\xef\xbf\xbf", kChar},
      {"non-character U+1FFFE", "\xf0\x9f\xbf\xbe", kChar},
      {"non-character U+10FFFF", "\xf4\x8f\xbf\xbf", kChar},
      {"a lone surrogate", "a\xed\xa0\x80", kNoUtf8},
      {"an overlong slash",
       "a\xc0\xaf"
       "b",
       kNoUtf8},
      {"an overlong dot", "\xc0\xae\xc0\xae/x", kNoUtf8},
      {"Latin-1", "caf\xe9", kNoUtf8},
      {"a truncated character", "a\xe4\xb8", kNoUtf8},
      {"1,025 characters", std::string(1025, 'a'), kLong},
      {"1,025 units, the last an emoji", std::string(1023, 'a') + kEmoji, kLong},
      {"513 emoji", repeated(kEmoji, 513), kLong},
      {"a million characters", std::string(1000000, 'a'), kLong},
      {"255 segments", repeated("a/", 254) + "a", kDeep},
      {"255 segments, the last empty", repeated("a/", 254), kDeep},
      {"1,024 slashes", std::string(1024, '/'), kDeep},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto blob = BlobName::parse(row.blob);
      BOOST_TEST(show(blob) == row.refusal);
    }
  }
}

BOOST_AUTO_TEST_CASE(endpoints_are_a_scheme_a_host_and_perhaps_a_path) {
  struct Row {
    const char* text;
    const char* origin;
    const char* path;
  };
  constexpr Row kRows[] = {
      {"https://acct.blob.core.windows.net", "https://acct.blob.core.windows.net", ""},
      {"https://acct.blob.core.windows.net/", "https://acct.blob.core.windows.net", ""},
      {"HTTPS://Acct.Blob.Core.Windows.NET", "https://acct.blob.core.windows.net", ""},
      {"http://127.0.0.1:10000/devstoreaccount1", "http://127.0.0.1:10000", "/devstoreaccount1"},
      {"http://127.0.0.1:10000/DevStore/", "http://127.0.0.1:10000", "/DevStore"},
      {"https://[2001:DB8::1]:8443/a/b", "https://[2001:db8::1]:8443", "/a/b"},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.text) {
      const auto url = EndpointUrl::parse(row.text);
      BOOST_REQUIRE(url.has_value());
      BOOST_TEST(url->origin == row.origin);
      BOOST_TEST(url->path == row.path);
      BOOST_TEST(url->url() == std::string(row.origin) + row.path);
    }
  }
}

BOOST_AUTO_TEST_CASE(other_endpoints_are_refused) {
  const std::string rows[] = {
      "",
      "acct.blob.core.windows.net",
      "//acct.blob.core.windows.net",
      "ftp://host",
      "httpss://host",
      "https:/host",
      "https:host",
      "https://",
      "https:///path",
      "https://user@host",
      "https://user:password@host",
      "https://host?x=1",
      "https://host/path?x=1",
      "https://host#x",
      "https://host/path#x",
      "https://host//",
      "https://host/a//b",
      "https://host/a%20b",
      "https://host/a b",
      "https://host\\path",
      "https://host/a\\b",
      "https://ho st",
      " https://host",
      "https://host ",
      "https://h\xc3\xb6st",
      "https://host\n",
      "https://host\0"s,
      "https://" + std::string(300, 'a'),
      "javascript://host",
  };
  for (const std::string& text : rows) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!EndpointUrl::parse(text).has_value());
    }
  }
}

// The endpoint's text goes into the answer as it is configured, and the answer never holds these.
BOOST_AUTO_TEST_CASE(an_endpoint_path_holds_nothing_that_a_url_cannot_carry) {
  const std::string rows[] = {"https://host/a\nb",  "https://host/a\rb",  "https://host/a\tb",
                              "https://host/a\0b"s, "https://host/a\x7f", "https://host/.",
                              "https://host/..",    "https://host/a/../b"};
  for (const std::string& text : rows) {
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!EndpointUrl::parse(text).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_same_endpoint_is_added_once) {
  EndpointTable endpoints;
  BOOST_TEST(endpoints.add(endpoint("https://host/a"), 0, "one"));
  BOOST_TEST(!endpoints.add(endpoint("HTTPS://HOST/a/"), 1, "two"));
  BOOST_TEST(endpoints.add(endpoint("https://host/A"), 1, "two"));
  BOOST_TEST(endpoints.add(endpoint("http://host/a"), 1, "two"));
}

BOOST_AUTO_TEST_CASE(a_blob_uri_at_an_endpoint_is_a_target) {
  struct Row {
    const char* name;
    std::string uri;
    std::string target;
  };
  const Row rows[] = {
      {"host style", kHost + "/uploads/a.txt", kAcct + "uploads|a.txt"},
      {"scheme and host in capitals", "HTTPS://ACCT.Blob.Core.Windows.Net/uploads/A.txt",
       kAcct + "uploads|A.txt"},
      {"a prefix path in the container URL", kHost + "/uploads/2026/03/a.txt",
       kAcct + "uploads|2026/03/a.txt"},
      {"a trailing slash in the container URL", kHost + "/uploads//a.txt", kAcct + "uploads|/a.txt"},
      {"query and fragment belong to the raw name", kHost + "/uploads/a?b=c#d", kAcct + "uploads|a?b=c#d"},
      {"escapes belong to the raw name", kHost + "/uploads/%41%2f.txt", kAcct + "uploads|%41%2f.txt"},
      {"a URL as a name", kHost + "/uploads/https://evil.example/x",
       kAcct + "uploads|https://evil.example/x"},
      {"the web container", kHost + "/$web/index.html", kAcct + "$web|index.html"},
      {"custom domain", "https://files.example.com/cdn/uploads/a",
       "0 acct https://files.example.com/cdn uploads|a"},
      {"China", "https://acctcn.blob.core.chinacloudapi.cn/uploads/a",
       "1 acctcn https://acctcn.blob.core.chinacloudapi.cn uploads|a"},
      {"US Government", "https://acctgov.blob.core.usgovcloudapi.net/uploads/a",
       "2 acctgov https://acctgov.blob.core.usgovcloudapi.net uploads|a"},
      {"path style", "http://127.0.0.1:10000/devstoreaccount1/uploads/a",
       "3 devstoreaccount1 http://127.0.0.1:10000/devstoreaccount1 uploads|a"},
      {"path style, the other account", "http://127.0.0.1:10000/devstoreaccount2/uploads/a",
       "4 devstoreaccount2 http://127.0.0.1:10000/devstoreaccount2 uploads|a"},
      {"IPv6", "http://[::1]:10000/uploads/a", "5 loopback http://[::1]:10000 uploads|a"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.uri) == row.target);
    }
  }
}

BOOST_AUTO_TEST_CASE(anything_else_is_refused) {
  struct Row {
    const char* name;
    std::string uri;
    const char* code;
  };
  const Row rows[] = {
      {"nothing", "", "unknown_endpoint"},
      {"only a name", "a.txt", "unknown_endpoint"},
      {"only a path", "/uploads/a.txt", "unknown_endpoint"},
      {"no scheme", "//acct.blob.core.windows.net/uploads/a", "unknown_endpoint"},
      {"another scheme", "http://acct.blob.core.windows.net/uploads/a", "unknown_endpoint"},
      {"a scheme that begins alike", "httpsx://acct.blob.core.windows.net/uploads/a", "unknown_endpoint"},
      {"a blank in front", " " + kHost + "/uploads/a", "unknown_endpoint"},
      {"a byte order mark in front", "\xef\xbb\xbf" + kHost + "/uploads/a", "unknown_endpoint"},
      {"another host", "https://evil.example/uploads/a", "unknown_endpoint"},
      {"our host as a prefix", kHost + ".evil.com/uploads/a", "unknown_endpoint"},
      {"our host as a user", kHost + "@evil.com/uploads/a", "unknown_endpoint"},
      {"our host as a user, with a password", kHost + ":x@evil.com/uploads/a", "unknown_endpoint"},
      {"our host behind a user", "https://evil@acct.blob.core.windows.net/uploads/a", "unknown_endpoint"},
      {"our host behind a backslash", "https://evil.com\\@acct.blob.core.windows.net/uploads/a",
       "unknown_endpoint"},
      {"a backslash instead of a slash", kHost + "\\uploads/a", "unknown_endpoint"},
      {"our host in the fragment", "https://evil.com#" + kHost + "/uploads/a", "unknown_endpoint"},
      {"our host in the query", "https://evil.com?" + kHost + "/uploads/a", "unknown_endpoint"},
      {"our host as a suffix", "https://evilacct.blob.core.windows.net/uploads/a", "unknown_endpoint"},
      {"a subdomain of our host", "https://x.acct.blob.core.windows.net/uploads/a", "unknown_endpoint"},
      {"a trailing dot in the host", "https://acct.blob.core.windows.net./uploads/a", "unknown_endpoint"},
      {"an escaped host", "https://acct%2eblob.core.windows.net/uploads/a", "unknown_endpoint"},
      {"a full-width dot in the host",
       "https://acct\xef\xbc\x8e"
       "blob.core.windows.net/uploads/a",
       "unknown_endpoint"},
      {"the Kelvin sign, which lower-cases to k", "http://127.0.0.1:10000/\xe2\x84\xaa/uploads/a",
       "unknown_endpoint"},
      {"another port", "https://acct.blob.core.windows.net:8443/uploads/a", "unknown_endpoint"},
      {"the default port, which is not how it is configured", kHost + ":443/uploads/a", "unknown_endpoint"},
      {"no port where there is one", "http://127.0.0.1/devstoreaccount1/uploads/a", "unknown_endpoint"},
      {"another spelling of the address", "http://127.1:10000/devstoreaccount1/uploads/a",
       "unknown_endpoint"},
      {"the secondary endpoint", "https://acct-secondary.blob.core.windows.net/uploads/a",
       "unknown_endpoint"},
      {"only the host", kHost, "unknown_endpoint"},
      {"a query behind the host", kHost + "?x/uploads/a", "unknown_endpoint"},
      {"an origin longer than any", "https://" + std::string(400, 'a') + "/uploads/a", "unknown_endpoint"},
      {"no account in the path", "http://127.0.0.1:10000/uploads/a", "unknown_endpoint"},
      {"an account that begins alike", "http://127.0.0.1:10000/devstoreaccount11/uploads/a",
       "unknown_endpoint"},
      {"half an account", "http://127.0.0.1:10000/devstore/uploads/a", "unknown_endpoint"},
      {"an account in another case", "http://127.0.0.1:10000/DevStoreAccount1/uploads/a", "unknown_endpoint"},
      {"an escaped account", "http://127.0.0.1:10000/devstoreaccoun%741/uploads/a", "unknown_endpoint"},
      {"a slash before the account", "http://127.0.0.1:10000//devstoreaccount1/uploads/a",
       "unknown_endpoint"},
      {"a way round to the account", "http://127.0.0.1:10000/x/../devstoreaccount1/uploads/a",
       "unknown_endpoint"},
      {"a custom domain without its path", "https://files.example.com/uploads/a", "unknown_endpoint"},
      {"only the host and a slash", kHost + "/", "not_allowed"},
      {"an empty container", kHost + "//uploads/a", "not_allowed"},
      {"a container in capitals", kHost + "/Uploads/a", "not_allowed"},
      {"an escaped container", kHost + "/up%6coads/a", "not_allowed"},
      {"dots as a container", kHost + "/../uploads/a", "not_allowed"},
      {"a container with a query", kHost + "/uploads?x/a", "not_allowed"},
      {"a container with a fragment", kHost + "/uploads#/a", "not_allowed"},
      {"the account as a container", "http://127.0.0.1:10000/devstoreaccount1//uploads/a", "not_allowed"},
      {"only the container", kHost + "/uploads", "bad_blob_name"},
      {"the container and a slash", kHost + "/uploads/", "bad_blob_name"},
      {"dots behind the container", kHost + "/uploads/../secrets/a", "bad_blob_name"},
      {"escaped dots behind the container", kHost + "/uploads/%2e%2e/secrets/a", "bad_blob_name"},
      {"a line feed in the name", kHost + "/uploads/a\nb", "bad_blob_name"},
      {"no UTF-8 in the name", kHost + "/uploads/\xff", "bad_encoding"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.uri) == row.code);
    }
  }
}

BOOST_AUTO_TEST_CASE(in_uri_mode_names_are_decoded_once) {
  struct Row {
    const char* name;
    std::string uri;
    std::string target;
  };
  const Row rows[] = {
      {"an escaped blank", kHost + "/uploads/a%20b", kAcct + "uploads|a b"},
      {"an escaped percent sign", kHost + "/uploads/100%25", kAcct + "uploads|100%"},
      {"a twice escaped character", kHost + "/uploads/%2541", kAcct + "uploads|%41"},
      {"an escaped slash separates", kHost + "/uploads/a%2fb%2Fc", kAcct + "uploads|a/b/c"},
      {"an escaped query", kHost + "/uploads/a%3fb%23c", kAcct + "uploads|a?b#c"},
      {"a plus is a plus", kHost + "/uploads/a+b", kAcct + "uploads|a+b"},
      {"UTF-8, escaped or not", kHost + "/uploads/%C3%A4\xc3\xa4", kAcct + "uploads|\xc3\xa4\xc3\xa4"},
      {"nothing to decode", kHost + "/uploads/plain", kAcct + "uploads|plain"},
      {"a twice escaped dot is a name with escapes", kHost + "/uploads/%25252e", kAcct + "uploads|%252e"},
      {"1,024 escaped characters", kHost + "/uploads/" + repeated("%41", 1024),
       kAcct + "uploads|" + std::string(1024, 'A')},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.uri, BlobNames::uri) == row.target);
    }
  }
}

BOOST_AUTO_TEST_CASE(in_uri_mode_what_is_no_uri_is_refused) {
  struct Row {
    const char* name;
    std::string uri;
    const char* code;
  };
  const Row rows[] = {
      {"a query", kHost + "/uploads/a?b", "bad_request"},
      {"an empty query", kHost + "/uploads/a?", "bad_request"},
      {"a fragment", kHost + "/uploads/a#b", "bad_request"},
      {"a lone percent sign", kHost + "/uploads/100%", "bad_encoding"},
      {"a broken escape", kHost + "/uploads/%4", "bad_encoding"},
      {"no hexadecimal digits", kHost + "/uploads/%zz", "bad_encoding"},
      {"escaped bytes that are no UTF-8", kHost + "/uploads/%ff", "bad_encoding"},
      {"an escaped overlong slash", kHost + "/uploads/a%c0%afb", "bad_encoding"},
      {"an escaped surrogate", kHost + "/uploads/%ed%a0%80", "bad_encoding"},
      {"an escaped NUL", kHost + "/uploads/a%00b", "bad_blob_name"},
      {"an escaped line feed", kHost + "/uploads/a%0ab", "bad_blob_name"},
      {"an escaped backslash", kHost + "/uploads/a%5cb", "bad_blob_name"},
      {"escaped dots", kHost + "/uploads/%2e%2e/a", "bad_blob_name"},
      {"escaped dots and slash", kHost + "/uploads/x%2f..%2fa", "bad_blob_name"},
      {"twice escaped dots", kHost + "/uploads/%252e%252e/a", "bad_blob_name"},
      {"no name", kHost + "/uploads/", "bad_blob_name"},
      {"1,025 escaped characters", kHost + "/uploads/" + repeated("%41", 1025), "bad_blob_name"},
      {"an escaped container", kHost + "/%75ploads/a", "not_allowed"},
      {"a container with an escaped slash", kHost + "/uploads%2fa", "not_allowed"},
      {"an escaped host", "https://%61cct.blob.core.windows.net/uploads/a", "unknown_endpoint"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(outcome(row.uri, BlobNames::uri) == row.code);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_most_specific_endpoint_wins) {
  EndpointTable endpoints;
  BOOST_REQUIRE(endpoints.add(endpoint("https://host"), 0, "outer"));
  BOOST_REQUIRE(endpoints.add(endpoint("https://host/inner/deep"), 2, "deep"));
  BOOST_REQUIRE(endpoints.add(endpoint("https://host/inner"), 1, "inner"));
  const auto account = [&](std::string_view uri) {
    std::string decoded;
    const auto target = endpoints.parse(uri, BlobNames::raw, decoded);
    return std::string(target ? target->account : code_of(target));
  };
  BOOST_TEST(account("https://host/uploads/a") == "outer");
  BOOST_TEST(account("https://host/inner/uploads/a") == "inner");
  BOOST_TEST(account("https://host/inner/deep/uploads/a") == "deep");
  BOOST_TEST(account("https://host/innermost/uploads/a") == "outer");
}

// All accounts of an emulator have one scheme and host. Every path is compared in turn here.
BOOST_AUTO_TEST_CASE(the_most_specific_endpoint_is_found_as_if_all_were_compared) {
  constexpr std::array<std::string_view, 6> kPieces{"a", "b", "ab", "abc", "cont", "A"};
  std::mt19937 random(20261126);  // NOLINT(cert-msc*): the same in every run
  const auto random_path = [&](std::size_t most) {
    std::string path;
    for (std::size_t i = 0, count = random() % (most + 1); i < count; ++i)
      path.append("/").append(kPieces.at(random() % kPieces.size()));
    return path;
  };
  std::size_t found = 0;
  std::size_t missed = 0;
  for (int round = 0; round < 200; ++round) {
    EndpointTable table;
    std::vector<std::string> paths;
    for (std::size_t i = 0, count = 1 + random() % 12; i < count; ++i) {
      const std::string path = random_path(3);
      const bool is_new = std::ranges::find(paths, path) == paths.end();
      BOOST_REQUIRE_EQUAL(table.add({"http://127.0.0.1:10000", path}, paths.size(), path), is_new);
      if (is_new) paths.push_back(path);
    }
    for (int i = 0; i < 40; ++i) {
      const std::string uri = "http://127.0.0.1:10000" + random_path(4) + "/cont/x";
      const std::string_view rest = std::string_view(uri).substr(uri.find('/', 7));
      const std::string* longest = nullptr;
      for (const std::string& path : paths) {
        const bool leads = rest.starts_with(path + "/");
        if (leads && (longest == nullptr || path.size() > longest->size())) longest = &path;
      }
      std::string decoded;
      const auto target = table.parse(uri, BlobNames::raw, decoded);
      BOOST_TEST_CONTEXT(rest << " in round " << round) {
        if (longest == nullptr) {
          BOOST_TEST(code_of(target) == "unknown_endpoint");
          ++missed;
          continue;
        }
        const std::string_view behind = rest.substr(longest->size() + 1);
        const std::string_view container = behind.substr(0, behind.find('/'));
        BOOST_REQUIRE_EQUAL(target.has_value(), ContainerName::parse(container).has_value());
        if (!target) continue;
        BOOST_TEST(target->account == *longest);
        BOOST_TEST(target->container.view() == container);
        ++found;
      }
    }
  }
  // Else the above has shown little.
  BOOST_TEST(found > 1000U);
  BOOST_TEST(missed > 1000U);
}

BOOST_AUTO_TEST_SUITE_END()
