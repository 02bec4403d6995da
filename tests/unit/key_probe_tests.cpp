#include "core/base64.hpp"
#include "core/hmac.hpp"
#include "core/key_probe.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kConfig = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://acme.blob.core.windows.net", "aliases": ["https://files"],
     "credential": {"type": "shared_key", "key_file": "k"}},
    {"name": "devstoreaccount1", "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
     "credential": {"type": "shared_key", "key_file": "k"}},
    {"name": "identity", "endpoint": "https://identity", "credential": {"type": "default"}},
    {"name": "unused", "endpoint": "https://unused", "credential": {"type": "default"}}],
  "rules": [
    {"name": "a", "account": "acme", "container": "wrong", "blobs": ["**"], "methods": ["PUT"]},
    {"name": "b", "account": "identity", "container": "uploads", "blobs": ["{user}/**"], "methods": ["PUT"],
     "sas": {"version": "2025-05-05", "ip_range": "203.0.113.7", "encryption_scope": "scope"}},
    {"name": "c", "account": "identity", "container": "second", "blobs": ["**"], "methods": ["DELETE"]}]
})";

enum AccountIndex : std::size_t { kAcme, kEmulator, kIdentity, kUnused };

SigningKey delegation_key(std::string_view from = "2026-03-01T00:00:00Z",
                          std::string_view until = "2026-03-04T00:00:00Z") {
  return UserDelegationKey{"oid",        "tid", std::string(from),          std::string(until), "b",
                           "2023-11-03", "",    secret("0123456789abcdef"), at(from),           at(until)};
}

struct Bench {
  Config config = config_from(kConfig);
  FakeClock clock;
  FakeTimer timer;
  FakeHttp http{timer};
  KeyProbe probe{http, clock};

  /// `works`, or `kind: reason`; then the clock's skew, if there is one.
  std::string ask(std::size_t account, const SigningKey& key) {
    const KeyVerdict verdict = probe.ask(config, account, key);
    std::string text(name_of(verdict.kind));
    if (!verdict.reason.empty()) text.append(": ").append(verdict.reason);
    return verdict.clock_skew ? text + " | " + std::to_string(verdict.clock_skew->count()) + " s" : text;
  }
};

std::vector<std::pair<std::string, std::string>> error(std::string_view code) {
  return {{"x-ms-error-code", std::string(code)}};
}
HttpAnswer account_answer() {
  return http_answer(200, {{"x-ms-account-kind", "StorageV2"}});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_probe_tests)

BOOST_AUTO_TEST_CASE(an_account_key_asks_for_the_kind_of_account) {
  struct Row {
    AccountIndex account;
    const char* url;
    const char* resource;
  };
  const Row rows[] = {
      {kAcme, "https://acme.blob.core.windows.net/", "/acme/"},
      {kEmulator, "http://127.0.0.1:10000/devstoreaccount1/", "/devstoreaccount1/devstoreaccount1/"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.url) {
      Bench bench;
      bench.http.answers = {account_answer()};
      BOOST_TEST(bench.ask(row.account, *account_key()) == "works");
      const HttpCall& call = bench.http.calls.at(0);
      BOOST_TEST(call.method == "HEAD");
      BOOST_TEST(call.url == std::string(row.url) + "?restype=account&comp=properties");
      BOOST_TEST(call.body == "");
      // "Authorize with Shared Key": parameters sorted, each in a line of its own.
      const std::string text =
          "HEAD\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Sun, 01 Mar 2026 12:00:00 GMT\nx-ms-version:2023-11-03\n" +
          std::string(row.resource) + "\ncomp:properties\nrestype:account";
      const auto signature = encode_base64(HmacSha256(secret_of(*account_key()))(text));
      const std::string name = bench.config.accounts.at(row.account).name;
      BOOST_TEST(call.headers == (std::vector<std::string>{
                                     "x-ms-version: 2023-11-03", "x-ms-date: Sun, 01 Mar 2026 12:00:00 GMT",
                                     "Authorization: SharedKey " + name + ":" +
                                         std::string(signature.data(), signature.size())}));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_delegation_key_looks_for_a_blob_that_is_not_there) {
  Bench bench;
  bench.http.answers = {http_answer(404, error("BlobNotFound"))};
  BOOST_TEST(bench.ask(kIdentity, delegation_key()) == "works");
  const HttpCall& call = bench.http.calls.at(0);
  BOOST_TEST(call.method == "HEAD");
  BOOST_TEST(call.headers.empty());
  BOOST_TEST(
      call.url.starts_with("https://identity/uploads/blobvalet-asks-whether-its-key-works?sv=2025-05-05&"));
  for (const char* part :
       {"&se=2026-03-01T12%3A01%3A00Z", "&spr=https", "&sr=b&sp=r&", "&skoid=oid", "&sktid=tid", "&sig="})
    BOOST_TEST(call.url.find(part) != std::string::npos, part);
  for (const char* part : {"&sip=", "&ses=", "&st="})
    BOOST_TEST(call.url.find(part) == std::string::npos, part);
}

BOOST_AUTO_TEST_CASE(a_delegation_key_that_cannot_sign_now_is_not_tried) {
  Bench bench;
  BOOST_TEST(bench.ask(kIdentity, delegation_key("2026-03-01T12:00:01Z")) == "refused: it is not valid now");
  BOOST_TEST(bench.ask(kIdentity, delegation_key("2026-03-01T00:00:00Z", "2026-03-01T12:00:00Z")) ==
             "refused: it is not valid now");
  BOOST_TEST(bench.ask(kUnused, delegation_key()) == "unknown: no rule uses this account");
  BOOST_TEST(bench.http.calls.empty());
  bench.http.answers = {http_answer(404, error("ContainerNotFound"))};
  BOOST_TEST(bench.ask(kIdentity, delegation_key("2026-03-01T00:00:00Z", "2026-03-01T12:00:30Z")) == "works");
  BOOST_TEST(bench.http.calls.at(0).url.find("&se=2026-03-01T12%3A00%3A30Z") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(refusals_are_told_from_failures) {
  struct Row {
    const char* name;
    HttpAnswer answer;
    const char* shared_key;
    const char* delegation;
  };
  const Row rows[] = {
      {"a wrong key", http_answer(403, error("AuthenticationFailed")),
       "wrong: Azure answered 403 AuthenticationFailed; it is no key of this account",
       "wrong: Azure answered 403 AuthenticationFailed; it is no key of this account"},
      {"keys not allowed", http_answer(403, error("KeyBasedAuthenticationNotPermitted")),
       "refused: Azure answered 403 KeyBasedAuthenticationNotPermitted; the account does not allow Shared "
       "Key",
       "refused: Azure answered 403 KeyBasedAuthenticationNotPermitted; the account does not allow Shared "
       "Key"},
      {"network rules", http_answer(403, error("AuthorizationFailure")),
       "refused: Azure answered 403 AuthorizationFailure; the account's network rules may not let this "
       "machine in "
       "(emulators say so of a wrong key)",
       "refused: Azure answered 403 AuthorizationFailure; the account's network rules may not let this "
       "machine in "
       "(emulators say so of a wrong key)"},
      {"no right to read", http_answer(403, error("AuthorizationPermissionMismatch")),
       "refused: Azure answered 403 AuthorizationPermissionMismatch; the identity may not read blobs in this "
       "container",
       "refused: Azure answered 403 AuthorizationPermissionMismatch; the identity may not read blobs in this "
       "container"},
      {"a disabled account", http_answer(403, error("AccountIsDisabled")),
       "refused: Azure answered 403 AccountIsDisabled; the account is disabled",
       "refused: Azure answered 403 AccountIsDisabled; the account is disabled"},
      {"403 of somebody else", http_answer(403, error("<b>sig=</b>")), "refused: Azure answered 403",
       "refused: Azure answered 403"},
      {"401", http_answer(401, error("NoAuthenticationInformation")),
       "refused: Azure answered 401 NoAuthenticationInformation",
       "refused: Azure answered 401 NoAuthenticationInformation"},
      {"busy", http_answer(503, error("ServerBusy")), "unknown: Azure answered 503",
       "unknown: Azure answered 503"},
      {"broken", http_answer(500), "unknown: Azure answered 500", "unknown: Azure answered 500"},
      {"a redirect", http_answer(302), "unknown: Azure answered 302", "unknown: Azure answered 302"},
      {"a proxy that likes everything", http_answer(200), "unknown: Azure answered 200",
       "unknown: Azure answered 200"},
      {"a proxy that finds nothing", http_answer(404), "unknown: Azure answered 404",
       "unknown: Azure answered 404"},
      {"the answer to a key of the other kind", account_answer(), "works", "unknown: Azure answered 200"},
      {"the same the other way round", http_answer(404, error("BlobNotFound")), "unknown: Azure answered 404",
       "works"},
      {"failures that look like answers", http_answer(500, error("BlobNotFound")),
       "unknown: Azure answered 500", "unknown: Azure answered 500"},
      {"refusals that do", http_answer(403, {{"x-ms-account-kind", "Storage"}}),
       "refused: Azure answered 403", "refused: Azure answered 403"},
      {"no such resource", http_answer(404, error("ResourceNotFound")),
       "unknown: Azure answered 404 ResourceNotFound", "unknown: Azure answered 404 ResourceNotFound"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      bench.http.answers = {row.answer};
      BOOST_TEST(bench.ask(kAcme, *account_key()) == row.shared_key);
      BOOST_TEST(bench.ask(kIdentity, delegation_key()) == row.delegation);
    }
  }
}

BOOST_AUTO_TEST_CASE(without_an_answer_nothing_is_known) {
  const std::pair<HttpFailure, const char*> rows[] = {
      {HttpFailure::unreachable, "unknown: Azure cannot be reached"},
      {HttpFailure::timed_out, "unknown: Azure did not answer in time"},
      {HttpFailure::untrusted, "unknown: the certificate of the account's endpoint is not trusted"},
      {HttpFailure::too_large, "unknown: the endpoint's answer is too large"},
      {HttpFailure::malformed, "unknown: the endpoint does not speak HTTP"},
  };
  for (const auto& [failure, expected] : rows) {
    Bench bench;
    bench.http.answers = {tl::unexpected(failure)};
    BOOST_TEST(bench.ask(kAcme, *account_key()) == expected);
  }
}

BOOST_AUTO_TEST_CASE(the_answer_tells_the_time) {
  const char* wrong = "wrong: Azure answered 403 AuthenticationFailed; it is no key of this account";
  const std::string skewed =
      "unknown: Azure answered 403 AuthenticationFailed; this machine's clock is wrong";
  const std::pair<const char*, std::pair<std::string, std::string>> rows[] = {
      {"Sun, 01 Mar 2026 12:00:00 GMT", {"works | 0 s", wrong + std::string(" | 0 s")}},
      {"Sun, 01 Mar 2026 11:58:00 GMT", {"works | 120 s", wrong + std::string(" | 120 s")}},
      {"Sun, 01 Mar 2026 12:14:59 GMT", {"works | -899 s", wrong + std::string(" | -899 s")}},
      {"Sun, 01 Mar 2026 12:15:00 GMT", {"works | -900 s", skewed + " | -900 s"}},
      {"Sun, 01 Mar 2026 11:00:00 GMT", {"works | 3600 s", skewed + " | 3600 s"}},
      {"today", {"works", wrong}},
  };
  for (const auto& [date, expected] : rows) {
    BOOST_TEST_CONTEXT(date) {
      Bench bench;
      bench.http.answers = {http_answer(200, {{"x-ms-account-kind", "Storage"}, {"date", date}})};
      BOOST_TEST(bench.ask(kAcme, *account_key()) == expected.first);
      bench.http.answers = {http_answer(403, {{"x-ms-error-code", "AuthenticationFailed"}, {"date", date}})};
      BOOST_TEST(bench.ask(kAcme, *account_key()) == expected.second);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
