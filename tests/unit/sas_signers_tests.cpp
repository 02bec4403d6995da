#include "core/sas_signers.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

constexpr std::string_view kSite = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://acme", "credential": {"type": "default"}},
    {"name": "other", "endpoint": "https://other", "credential": {"type": "shared_key", "key_file": "k"}}],
  "rules": [
    {"name": "acme", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"],
     "sas": {"put_lifetime_seconds": 3600, "start_backdate_seconds": 900}},
    {"name": "other", "account": "other", "container": "uploads", "blobs": ["**"], "methods": ["PUT"],
     "sas": {"put_lifetime_seconds": 3600}}]
})";

std::shared_ptr<const SigningKey> delegation_key(std::string_view from, std::string_view until) {
  return std::make_shared<const SigningKey>(
      UserDelegationKey{"oid", "tid", std::string(from), std::string(until), "b", "2023-11-03", "",
                        secret("0123456789abcdef"), at(from), at(until)});
}

class FakeLedger final : public SasLedger {
 public:
  void issued(KeyFingerprint key, UtcSeconds expiry) override {
    text.append(key.text()).append(" until ").append(UtcText(expiry).view()).append("\n");
  }
  [[nodiscard]] std::optional<UtcSeconds> last_expiry(KeyFingerprint /*key*/) const override { return {}; }
  std::string text;
};

struct Bench {
  Bench(std::shared_ptr<const SigningKey> first, std::shared_ptr<const SigningKey> second,
        SasLedger* ledger = nullptr)
      : signers({std::move(first), std::move(second)}, ledger) {}

  /// Until when the SAS is valid, or the refusal.
  std::string sign(std::string_view uri, std::string_view now = "2026-03-01T12:00:00Z") {
    std::string decoded;
    const auto target = site->endpoints().parse(uri, BlobNames::raw, decoded);
    BOOST_REQUIRE_MESSAGE(target.has_value(), show(target));
    const auto grant = site->policy().decide(*target, BlobVerb::put, {"bob", "203.0.113.7", {}}, at(now));
    BOOST_REQUIRE_MESSAGE(grant.has_value(), show(grant));
    sas_uri = "before ";
    const auto expiry = signers.append_sas_uri(sas_uri, *grant, at(now));
    if (!expiry) {
      BOOST_TEST(expiry.error().retry_after.count() == 5);
      BOOST_TEST(sas_uri == "before ");
    }
    return expiry ? std::string(UtcText(expiry->expiry).view()) : show(expiry.error());
  }

  std::shared_ptr<const Site> site = site_from(kSite);
  SasSigners signers;
  std::string sas_uri;
};

/// The value of one member of a SAS, as it stands there; empty if there is none.
std::string member(const std::string& sas_uri, const std::string& name) {
  const std::size_t found = sas_uri.find_first_of("?&", sas_uri.find('?')) == std::string::npos
                                ? std::string::npos
                                : std::min(sas_uri.find("?" + name + "="), sas_uri.find("&" + name + "="));
  if (found == std::string::npos) return {};
  const std::size_t begin = found + name.size() + 2;
  return unescaped(sas_uri.substr(begin, sas_uri.find('&', begin) - begin));
}

const std::string kRefusal = "key_unavailable |  | uploads are not possible now; try again later | ";

}  // namespace

BOOST_AUTO_TEST_SUITE(sas_signers_tests)

BOOST_AUTO_TEST_CASE(each_account_signs_with_its_own_key) {
  const auto delegation = delegation_key("2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z");
  Bench bench(delegation, account_key());
  BOOST_TEST(bench.sign("https://acme/uploads/a") == "2026-03-01T13:00:00Z");
  BOOST_TEST(member(bench.sas_uri, "skoid") == "oid");
  const std::string first = bench.sas_uri;
  BOOST_TEST(bench.sign("https://other/uploads/a") == "2026-03-01T13:00:00Z");
  BOOST_TEST(member(bench.sas_uri, "skoid") == "");
  BOOST_TEST(bench.sas_uri.starts_with("before https://other/uploads/a?sv="));
  BOOST_TEST(bench.sign("https://acme/uploads/a") == "2026-03-01T13:00:00Z");
  BOOST_TEST(bench.sas_uri == first);
}

BOOST_AUTO_TEST_CASE(one_without_a_key_stops_no_other) {
  Bench bench(nullptr, account_key());
  BOOST_TEST(bench.sign("https://acme/uploads/a") == kRefusal + "there is no user delegation key yet");
  BOOST_TEST(bench.sign("https://other/uploads/a") == "2026-03-01T13:00:00Z");
}

// Azure refuses a SAS that begins before its key does, or ends after it.
BOOST_AUTO_TEST_CASE(a_sas_stays_within_its_keys_window) {
  struct Row {
    const char* name;
    const char* from;
    const char* until;
    const char* outcome;  ///< `se`, or why there is none
    const char* start;
  };
  constexpr Row kRows[] = {
      {"all of it", "2026-03-01T11:00:00Z", "2026-03-01T14:00:00Z", "2026-03-01T13:00:00Z",
       "2026-03-01T11:45:00Z"},
      {"just all of it", "2026-03-01T11:45:00Z", "2026-03-01T13:00:00Z", "2026-03-01T13:00:00Z",
       "2026-03-01T11:45:00Z"},
      {"a second less", "2026-03-01T11:45:00Z", "2026-03-01T12:59:59Z", "2026-03-01T12:59:59Z",
       "2026-03-01T11:45:00Z"},
      {"a later start", "2026-03-01T11:45:01Z", "2026-03-01T13:00:00Z", "2026-03-01T13:00:00Z",
       "2026-03-01T11:45:01Z"},
      {"the first second", "2026-03-01T12:00:00Z", "2026-03-01T14:00:00Z", "2026-03-01T13:00:00Z",
       "2026-03-01T12:00:00Z"},
      {"the last second", "2026-03-01T11:00:00Z", "2026-03-01T12:00:01Z", "2026-03-01T12:00:01Z",
       "2026-03-01T11:45:00Z"},
      {"a second too late", "2026-03-01T11:00:00Z", "2026-03-01T12:00:00Z",
       "the user delegation key has expired", ""},
      {"long ago", "2025-03-01T11:00:00Z", "2025-03-01T12:00:00Z", "the user delegation key has expired", ""},
      {"a second too early", "2026-03-01T12:00:01Z", "2026-03-01T14:00:00Z",
       "the user delegation key is not valid yet: check the clock", ""},
  };
  for (const Row& row : kRows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench(delegation_key(row.from, row.until), account_key());
      const bool refused = std::string_view(row.outcome).find("key") != std::string_view::npos;
      BOOST_TEST(bench.sign("https://acme/uploads/a") == (refused ? kRefusal : "") + row.outcome);
      BOOST_TEST(member(bench.sas_uri, "st") == row.start);
      BOOST_TEST(member(bench.sas_uri, "se") == (refused ? "" : row.outcome));
      BOOST_TEST(member(bench.sas_uri, "ske") == (refused ? "" : row.until));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_rule_without_a_start_gets_none) {
  Bench bench(account_key(), delegation_key("2026-03-01T11:59:00Z", "2026-03-01T12:30:00Z"));
  BOOST_TEST(bench.sign("https://other/uploads/a") == "2026-03-01T12:30:00Z");
  BOOST_TEST(member(bench.sas_uri, "st") == "");
  BOOST_TEST(member(bench.sas_uri, "skt") == "2026-03-01T11:59:00Z");
}

BOOST_AUTO_TEST_CASE(a_key_is_looked_at_each_time) {
  Bench bench(delegation_key("2026-03-01T11:00:00Z", "2026-03-01T14:00:00Z"), account_key());
  BOOST_TEST(bench.sign("https://acme/uploads/a") == "2026-03-01T13:00:00Z");
  BOOST_TEST(bench.sign("https://acme/uploads/a", "2026-03-01T13:59:59Z") == "2026-03-01T14:00:00Z");
  BOOST_TEST(bench.sign("https://acme/uploads/a", "2026-03-01T14:00:00Z") ==
             kRefusal + "the user delegation key has expired");
  BOOST_TEST(bench.sign("https://acme/uploads/a", "2026-03-01T10:59:59Z") ==
             kRefusal + "the user delegation key is not valid yet: check the clock");
  BOOST_TEST(bench.sign("https://acme/uploads/a") == "2026-03-01T13:00:00Z");
}

BOOST_AUTO_TEST_CASE(account_keys_never_expire) {
  for (const char* now : {"1970-01-01T00:00:00Z", "2026-03-01T12:00:00Z", "9000-01-01T00:00:00Z"}) {
    BOOST_TEST(why_unusable(account_key().get(), at(now)).empty());
    Bench bench(account_key(), account_key());
    BOOST_TEST(member((bench.sign("https://acme/uploads/a", now), bench.sas_uri), "se") ==
               UtcText(at(now) + 1h).view());
  }
}

BOOST_AUTO_TEST_CASE(the_ledger_hears_of_what_was_signed) {
  FakeLedger ledger;
  const auto delegation = delegation_key("2026-03-01T11:00:00Z", "2026-03-01T12:30:00Z");
  const auto account = account_key();
  Bench bench(delegation, account, &ledger);
  BOOST_TEST(bench.sign("https://acme/uploads/a") == "2026-03-01T12:30:00Z");
  BOOST_TEST(bench.sign("https://acme/uploads/a", "2026-03-01T12:30:00Z").starts_with("key_unavailable"));
  BOOST_TEST(bench.sign("https://other/uploads/a") == "2026-03-01T13:00:00Z");
  BOOST_TEST(ledger.text == KeyFingerprint(*delegation).text() + " until 2026-03-01T12:30:00Z\n" +
                                KeyFingerprint(*account).text() + " until 2026-03-01T13:00:00Z\n");
}

// A SAS that a callback keeps to itself is of no use behind the callback's deadline, and holds up no
// rotation.
BOOST_AUTO_TEST_CASE(the_ledger_hears_until_when_a_sas_may_be_used) {
  FakeLedger ledger;
  const auto site = site_from(kSite);
  const auto key = account_key();
  SasSigners signers({nullptr, key}, &ledger);
  std::string decoded;
  const auto target = site->endpoints().parse("https://other/uploads/a.txt", BlobNames::raw, decoded);
  BOOST_REQUIRE(target.has_value());
  const UtcSeconds now = at("2026-03-01T12:00:00Z");
  const auto grant = site->policy().decide(*target, BlobVerb::put, {"bob", "203.0.113.7", {}}, now);
  BOOST_REQUIRE(grant.has_value());
  struct Row {
    const char* name;
    SasGrant grant;
    const char* valid;
    const char* used;
  };
  const Row rows[] = {
      {"a page", *grant, "2026-03-01T13:00:00Z", "2026-03-01T13:00:00Z"},
      {"a callback", grant->for_service(ServiceOperation::read, now), "2026-03-01T12:05:00Z",
       "2026-03-01T12:00:03Z"},
      {"a thumbnail", grant->for_viewing("image/png", 600s, now), "2026-03-01T12:10:00Z",
       "2026-03-01T12:10:00Z"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      std::string uri;
      ledger.text.clear();
      const auto valid = signers.append_sas_uri(uri, row.grant, now);
      BOOST_REQUIRE(valid.has_value());
      BOOST_TEST(UtcText(valid->expiry).view() == row.valid);
      BOOST_TEST(ledger.text == KeyFingerprint(*key).text() + " until " + row.used + "\n");
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
