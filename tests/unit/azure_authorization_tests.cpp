#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "core/azure_authorization.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "tests/unit/granted.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

/// Accounts that differ in how our own requests are authorized, and rules that set all that a browser's SAS
/// may have.
std::string site_with(std::string_view requests) {
  const std::string more = requests.empty() ? "" : ", \"requests\": " + std::string(requests);
  return R"({"accounts": [
    {"name": "acme", "endpoint": "https://acme.blob.core.windows.net", "aliases": ["https://files.example.com/cdn"],
     "credential": {"type": "shared_key", "key_file": "k"})" +
         more + R"(},
    {"name": "devstoreaccount1", "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
     "credential": {"type": "shared_key", "key_file": "k"})" +
         more + R"(}],
  "rules": [
    {"name": "plain", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"]},
    {"name": "all", "account": "acme", "container": "full", "blobs": ["**"], "methods": ["PUT"],
     "sas": {"put_lifetime_seconds": 86400, "start_backdate_seconds": 900, "version": "2025-05-05",
             "encryption_scope": "scope-1", "bind_client_ip": true}},
    {"name": "range", "account": "acme", "container": "ranges", "blobs": ["**"], "methods": ["PUT"],
     "sas": {"ip_range": "10.0.0.0-10.0.0.255", "protocol": "https,http"}},
    {"name": "emulator", "account": "devstoreaccount1", "container": "uploads", "blobs": ["**"], "methods": ["PUT"],
     "sas": {"protocol": "https,http"}}
  ]})";
}

struct Bench {
  Bench(std::string_view requests, std::string uri) : granted(site_with(requests), std::move(uri)) {}

  Result<void> authorize(ServiceOperation operation = ServiceOperation::read, std::string_view query = {}) {
    AzureAuthorization authorization(*granted.site, granted.signers, clock, files);
    return authorization.authorize(call, granted.grant, operation, query);
  }
  /// The one header of this name.
  [[nodiscard]] std::string header(std::string_view name) const {
    std::string found = "none";
    for (const std::string& line : call.headers) {
      if (line.starts_with(std::string(name) + ": ")) found = line.substr(name.size() + 2);
    }
    return found;
  }

  FakeClock clock;
  FakeSecretFiles files;
  Granted granted;
  HttpCall call;
};

/// The query's pairs but the signature, in alphabetical order; values decoded.
std::string fields_of(std::string_view url) {
  std::vector<std::string> pairs;
  std::string_view query = url.substr(url.find('?') + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    if (!query.starts_with("sig=")) pairs.push_back(unescaped(query.substr(0, end)));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::ranges::sort(pairs);
  std::string text;
  for (const std::string& pair : pairs)
    text.append(text.empty() ? "" : " ").append(pair);
  return text;
}

std::string decoded_key() {
  std::string bytes(kDevelopmentKey.size(), '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(kDevelopmentKey.data()),
                                   static_cast<int>(kDevelopmentKey.size()));
  bytes.resize(static_cast<std::size_t>(size) - 2);  // two characters of padding
  return bytes;
}

/// `SharedKey <account>:<signature>`, with OpenSSL's own functions.
std::string shared_key(std::string_view account, std::string_view text) {
  const std::string key = decoded_key();
  unsigned char digest[32];
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, nullptr);
  unsigned char base64[45];
  EVP_EncodeBlock(base64, digest, sizeof digest);
  return "SharedKey " + std::string(account) + ":" + reinterpret_cast<const char*>(base64);
}

constexpr std::string_view kSharedKey = R"({"authorization": "shared_key"})";
constexpr std::string_view kBearer = R"({"authorization": "bearer", "token_file": "token"})";
const std::string kAcme = "https://acme.blob.core.windows.net/";

}  // namespace

BOOST_AUTO_TEST_SUITE(azure_authorization_tests)

BOOST_AUTO_TEST_CASE(a_sas_of_our_own_holds_no_more_than_it_needs) {
  struct Row {
    const char* name;
    std::string uri;
    ServiceOperation operation;
    std::string url;
    const char* fields;
  };
  const Row rows[] = {
      {"reading", kAcme + "uploads/bob/a.txt", ServiceOperation::read, kAcme + "uploads/bob/a.txt",
       "se=2026-03-01T12:05:00Z sp=r spr=https sr=b sv=2023-11-03"},
      {"deleting", kAcme + "uploads/bob/a.txt", ServiceOperation::remove, kAcme + "uploads/bob/a.txt",
       "se=2026-03-01T12:05:00Z sp=d spr=https sr=b sv=2023-11-03"},
      {"tagging", kAcme + "uploads/bob/a.txt", ServiceOperation::tag, kAcme + "uploads/bob/a.txt",
       "se=2026-03-01T12:05:00Z sp=t spr=https sr=b sv=2023-11-03"},
      {"neither client's address, scope, start nor lifetime of the rule", kAcme + "full/a",
       ServiceOperation::read, kAcme + "full/a", "se=2026-03-01T12:05:00Z sp=r spr=https sr=b sv=2025-05-05"},
      {"neither the rule's addresses", kAcme + "ranges/a", ServiceOperation::remove, kAcme + "ranges/a",
       "se=2026-03-01T12:05:00Z sp=d spr=https,http sr=b sv=2023-11-03"},
      {"path style", "http://127.0.0.1:10000/devstoreaccount1/uploads/a", ServiceOperation::read,
       "http://127.0.0.1:10000/devstoreaccount1/uploads/a",
       "se=2026-03-01T12:05:00Z sp=r spr=https,http sr=b sv=2023-11-03"},
      {"not by an alias, behind which a cache may be", "https://files.example.com/cdn/uploads/a",
       ServiceOperation::read, kAcme + "uploads/a",
       "se=2026-03-01T12:05:00Z sp=r spr=https sr=b sv=2023-11-03"},
      {"a name that is escaped", kAcme + "uploads/a b?c#%41", ServiceOperation::read,
       kAcme + "uploads/a%20b%3Fc%23%2541", "se=2026-03-01T12:05:00Z sp=r spr=https sr=b sv=2023-11-03"},
  };
  for (const std::string_view requests : {""sv, R"({"authorization": "sas"})"sv}) {
    for (const Row& row : rows) {
      BOOST_TEST_CONTEXT(row.name << " " << requests) {
        Bench bench(requests, row.uri);
        BOOST_TEST(show(bench.authorize(row.operation)) == "ok");
        BOOST_TEST(bench.call.url.substr(0, bench.call.url.find('?')) == row.url);
        BOOST_TEST(fields_of(bench.call.url) == row.fields);
        BOOST_TEST(bench.call.url.find("&sig=") != std::string::npos);
        BOOST_TEST(bench.call.headers.empty());
      }
    }
  }
}

// As "Create a service SAS" has it: 16 fields, of which these are empty but for seven.
BOOST_AUTO_TEST_CASE(a_sas_of_our_own_is_signed) {
  Bench bench("", kAcme + "uploads/bob/a b.txt");
  BOOST_TEST(show(bench.authorize(ServiceOperation::tag, "comp=tags")) == "ok");
  const std::string text =
      "t\n\n2026-03-01T12:05:00Z\n/blob/acme/uploads/bob/a b.txt\n\n\nhttps\n2023-11-03\nb\n\n\n\n\n\n\n";
  const std::string key = shared_key("", text);
  const std::string signature = key.substr(key.find(':') + 1);
  BOOST_TEST(unescaped(bench.call.url).find("&sig=" + signature + "&comp=tags") != std::string::npos);
  BOOST_TEST(bench.call.url.ends_with("&comp=tags"));
}

BOOST_AUTO_TEST_CASE(the_clock_of_the_request_counts_not_that_of_the_grant) {
  Bench bench("", kAcme + "uploads/a");
  bench.clock.time = at("2026-12-31T23:59:59Z");
  BOOST_TEST(show(bench.authorize()) == "ok");
  BOOST_TEST(fields_of(bench.call.url) == "se=2027-01-01T00:04:59Z sp=r spr=https sr=b sv=2023-11-03");
}

// The expected texts are written by hand from "Authorize with Shared Key": verb, eleven header fields, x-ms-
// headers, resource.
BOOST_AUTO_TEST_CASE(shared_key_signs_what_is_sent) {
  struct Row {
    const char* name;
    std::string uri;
    ServiceOperation operation;
    HttpCall call;
    std::string_view query;
    std::string url;
    const char* account;
    std::string text;
  };
  const auto call_of = [](std::string method, std::vector<std::string> headers = {}, std::string body = {}) {
    HttpCall call;
    call.method = std::move(method);
    call.headers = std::move(headers);
    call.body = std::move(body);
    return call;
  };
  const std::string own = "x-ms-date:Sun, 01 Mar 2026 12:00:00 GMT\n";
  const std::string version = "x-ms-version:2023-11-03\n";
  const Row rows[] = {
      {"HEAD", kAcme + "uploads/bob/a.txt", ServiceOperation::read, call_of("HEAD"), "",
       kAcme + "uploads/bob/a.txt", "acme",
       "HEAD\n\n\n\n\n\n\n\n\n\n\n\n" + own + version + "/acme/uploads/bob/a.txt"},
      {"a ranged GET of one version", kAcme + "uploads/a", ServiceOperation::read,
       call_of("GET", {"x-ms-range: bytes=0-65535", "If-Match: \"0x8D1\""}), "", kAcme + "uploads/a", "acme",
       "GET\n\n\n\n\n\n\n\n\"0x8D1\"\n\n\n\n" + own + "x-ms-range:bytes=0-65535\n" + version +
           "/acme/uploads/a"},
      {"DELETE of one version", kAcme + "uploads/a", ServiceOperation::remove,
       call_of("DELETE", {"If-Match: \"0x8D1\""}), "", kAcme + "uploads/a", "acme",
       "DELETE\n\n\n\n\n\n\n\n\"0x8D1\"\n\n\n\n" + own + version + "/acme/uploads/a"},
      {"PUT of tags", kAcme + "uploads/a", ServiceOperation::tag,
       call_of("PUT", {"Content-Type: application/xml; charset=UTF-8"}, "<Tags/>"), "comp=tags",
       kAcme + "uploads/a?comp=tags", "acme",
       "PUT\n\n\n7\n\napplication/xml; charset=UTF-8\n\n\n\n\n\n\n" + own + version +
           "/acme/uploads/a\ncomp:tags"},
      {"path style has the account twice", "http://127.0.0.1:10000/devstoreaccount1/uploads/a",
       ServiceOperation::read, call_of("HEAD"), "", "http://127.0.0.1:10000/devstoreaccount1/uploads/a",
       "devstoreaccount1",
       "HEAD\n\n\n\n\n\n\n\n\n\n\n\n" + own + version + "/devstoreaccount1/devstoreaccount1/uploads/a"},
      {"the path as it is sent, not decoded", kAcme + "uploads/a b?c#%41\xc3\xa4+", ServiceOperation::read,
       call_of("HEAD"), "", kAcme + "uploads/a%20b%3Fc%23%2541%C3%A4%2B", "acme",
       "HEAD\n\n\n\n\n\n\n\n\n\n\n\n" + own + version + "/acme/uploads/a%20b%3Fc%23%2541%C3%A4%2B"},
      {"not by an alias, behind which a cache may be", "https://files.example.com/cdn/uploads/a",
       ServiceOperation::read, call_of("HEAD"), "", kAcme + "uploads/a", "acme",
       "HEAD\n\n\n\n\n\n\n\n\n\n\n\n" + own + version + "/acme/uploads/a"},
      {"the rule's version", kAcme + "full/a", ServiceOperation::read, call_of("HEAD"), "", kAcme + "full/a",
       "acme", "HEAD\n\n\n\n\n\n\n\n\n\n\n\n" + own + "x-ms-version:2025-05-05\n/acme/full/a"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(kSharedKey, row.uri);
      bench.call = row.call;
      BOOST_TEST(show(bench.authorize(row.operation, row.query)) == "ok");
      BOOST_TEST(bench.call.url == row.url);
      BOOST_TEST(bench.header("Authorization") == shared_key(row.account, row.text));
      BOOST_TEST(bench.header("x-ms-date") == "Sun, 01 Mar 2026 12:00:00 GMT");
      const std::string path = row.url.substr(row.url.find('/', 8));
      BOOST_TEST(shared_key_string_to_sign(bench.call, row.account, path.substr(0, path.find('?')),
                                           row.query) == row.text);
    }
  }
}

/// Asks for the listing of `a b&/`, which a rule of that site allows.
struct ListBench {
  explicit ListBench(std::string_view requests) {
    const std::string more = requests.empty() ? "" : ", \"requests\": " + std::string(requests);
    site = site_from(
        R"({"accounts": [{"name": "devstoreaccount1", "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
        "aliases": ["https://files.example.com"], "credential": {"type": "shared_key", "key_file": "k"})" +
        more + R"(}], "rules": [{"name": "own", "account": "devstoreaccount1", "container": "uploads",
        "blobs": ["{user}/**"], "methods": ["PUT"], "list": true,
        "sas": {"protocol": "https,http", "put_lifetime_seconds": 86400, "start_backdate_seconds": 900,
                "ip_range": "10.0.0.1", "encryption_scope": "scope-1"}}]})");
  }
  Result<void> authorize() {
    std::string decoded;
    const auto sample =
        site->endpoints().parse("https://files.example.com/uploads/a b&/x", BlobNames::raw, decoded);
    const auto lists = site->policy().list(*sample, "a b&/", {"a b&", "203.0.113.7"});
    BOOST_REQUIRE(lists.has_value());
    SasSigners signers{site->signing_keys()};
    AzureAuthorization authorization(*site, signers, clock, files);
    return authorization.authorize_list(call, lists->front(), {{"maxresults", "7"}, {"marker", "2!a=&b"}},
                                        clock.now() + 5s);
  }

  std::shared_ptr<const Site> site;
  FakeClock clock;
  FakeSecretFiles files;
  HttpCall call;
};

const std::string kListQuery =
    "maxresults=7&marker=2%21a%3D%26b&restype=container&comp=list&prefix=a%20b%26%2F";
const std::string kListUrl = "http://127.0.0.1:10000/devstoreaccount1/uploads?";

BOOST_AUTO_TEST_CASE(a_listing_by_sas_is_of_the_container_and_of_nothing_else) {
  ListBench bench("");
  BOOST_TEST(show(bench.authorize()) == "ok");
  BOOST_TEST(bench.call.url.starts_with(kListUrl));
  BOOST_TEST(bench.call.url.ends_with("&" + kListQuery));
  BOOST_TEST(bench.call.headers.empty());
  const std::string sas = bench.call.url.substr(0, bench.call.url.find("&maxresults"));
  BOOST_TEST(fields_of(sas) == "se=2026-03-01T12:05:00Z sp=l spr=https,http sr=c sv=2023-11-03");
  const std::string text =
      "l\n\n2026-03-01T12:05:00Z\n/blob/devstoreaccount1/"
      "uploads\n\n\nhttps,http\n2023-11-03\nc\n\n\n\n\n\n\n";
  const std::string signature = unescaped(sas.substr(sas.find("&sig=") + 5));
  BOOST_TEST("SharedKey devstoreaccount1:" + signature == shared_key("devstoreaccount1", text));
}

BOOST_AUTO_TEST_CASE(a_listing_by_shared_key_signs_what_is_sent_without_its_escapes) {
  ListBench bench(kSharedKey);
  BOOST_TEST(show(bench.authorize()) == "ok");
  BOOST_TEST(bench.call.url == kListUrl + kListQuery);
  BOOST_REQUIRE(bench.call.headers.size() == 3U);
  BOOST_TEST(bench.call.headers[0] == "x-ms-version: 2023-11-03");
  BOOST_TEST(bench.call.headers[1] == "x-ms-date: Sun, 01 Mar 2026 12:00:00 GMT");
  BOOST_TEST(
      bench.call.headers[2] ==
      "Authorization: " +
          shared_key(
              "devstoreaccount1",
              "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Sun, 01 Mar 2026 12:00:00 GMT\nx-ms-version:2023-11-03\n"
              "/devstoreaccount1/devstoreaccount1/uploads\ncomp:list\nmarker:2!a=&b\nmaxresults:7\n"
              "prefix:a b&/\nrestype:container"));
}

BOOST_AUTO_TEST_CASE(dates_are_those_of_http) {
  struct Row {
    const char* time;
    const char* date;
  };
  const Row rows[] = {
      {"2026-03-01T00:00:00Z", "Sun, 01 Mar 2026 00:00:00 GMT"},
      {"2026-12-31T23:59:59Z", "Thu, 31 Dec 2026 23:59:59 GMT"},
      {"2028-02-29T09:08:07Z", "Tue, 29 Feb 2028 09:08:07 GMT"},
      {"2027-07-05T12:00:00Z", "Mon, 05 Jul 2027 12:00:00 GMT"},
      {"2038-01-19T03:14:08Z", "Tue, 19 Jan 2038 03:14:08 GMT"},
  };
  for (const Row& row : rows) {
    Bench bench(kSharedKey, kAcme + "uploads/a");
    bench.clock.time = at(row.time);
    BOOST_TEST(show(bench.authorize()) == "ok");
    BOOST_TEST(bench.header("x-ms-date") == row.date);
  }
}

BOOST_AUTO_TEST_CASE(a_bearer_token_is_sent_as_it_is) {
  Bench bench(kBearer, kAcme + "full/a");
  bench.files.path = "token";
  bench.files.text = "eyJ0eXAi.eyJhdWQi.c2ln-_~+/=";
  BOOST_TEST(show(bench.authorize(ServiceOperation::tag, "comp=tags")) == "ok");
  BOOST_TEST(bench.call.url == kAcme + "full/a?comp=tags");
  BOOST_TEST(bench.header("Authorization") == "Bearer eyJ0eXAi.eyJhdWQi.c2ln-_~+/=");
  BOOST_TEST(bench.header("x-ms-version") == "2025-05-05");

  bench.call = {};
  bench.files.text = "renewed";
  BOOST_TEST(show(bench.authorize()) == "ok");
  BOOST_TEST(bench.header("Authorization") == "Bearer renewed", "the file is read each time");
}

BOOST_AUTO_TEST_CASE(without_a_usable_token_nothing_is_sent) {
  struct Row {
    const char* name;
    const char* path;
    std::string token;
  };
  const Row rows[] = {
      {"no file", "elsewhere", "token"},     {"a line feed", "token", "one\ntwo"},
      {"CR and LF", "token", "a\r\nX: b"},   {"a blank", "token", "one two"},
      {"a tab", "token", "one\ttwo"},        {"a NUL", "token", "one\0two"s},
      {"DEL", "token", "one\x7ftwo"},        {"beyond ASCII", "token", "t\xc3\xb6ken"},
      {"an escape", "token", "\x1b[31mred"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(kBearer, kAcme + "uploads/a");
      bench.files.path = row.path;
      bench.files.text = row.token;
      BOOST_TEST(
          show(bench.authorize()) ==
          "azure_refused |  | the upload cannot be checked now | there is no bearer token in token_file");
      BOOST_TEST(bench.header("Authorization") == "none");
    }
  }
}

BOOST_AUTO_TEST_CASE(a_token_file_is_trimmed) {
  struct Row {
    const char* name;
    std::string content;
    std::optional<std::string> token;
  };
  const Row rows[] = {
      {"plain", "token", "token"},
      {"a line feed behind it", "token\n", "token"},
      {"white space all around", " \t\r\n\v\ftoken\r\n \n", "token"},
      {"white space within stays", "a b", "a b"},
      {"the longest", std::string(16383, 't'), std::string(16383, 't')},
      {"empty", "", std::nullopt},
      {"white space", " \r\n", std::nullopt},
      {"too long", std::string(16384, 't'), std::nullopt},
  };
  const TempDir dir;
  blobvalet::fcgi::FileSecrets files;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const auto file = dir.write("token", row.content);
      const auto token = files.read(file.string());
      BOOST_TEST(token.has_value() == row.token.has_value());
      if (!token) continue;
      BOOST_TEST(std::string(token->reveal().begin(), token->reveal().end()) == *row.token);
    }
  }
  BOOST_TEST(!files.read((dir.path() / "missing").string()).has_value());
  BOOST_TEST(!files.read(dir.path().string()).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
