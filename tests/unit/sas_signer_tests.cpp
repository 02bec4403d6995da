#include <type_traits>

#include "core/sas_signer.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kWide = R"({
  "accounts": [
    {"name": "acme", "endpoint": "https://ACME.blob.core.windows.net/", "credential": {"type": "shared_key",
     "key_file": "k"}},
    {"name": "devstoreaccount1", "endpoint": "http://127.0.0.1:10000/devstoreaccount1",
     "credential": {"type": "shared_key", "key_file": "k"}}
  ],
  "rules": [
    {"name": "wide", "account": "acme", "container": "uploads", "blobs": ["**"],
     "methods": ["PUT", "DELETE"]},
    {"name": "full", "account": "acme", "container": "full", "blobs": ["**"], "methods": ["PUT"],
     "permissions": {"PUT": "twc"},
     "sas": {"put_lifetime_seconds": 3600, "start_backdate_seconds": 900, "protocol": "https,http",
             "version": "2025-05-05", "encryption_scope": "scope-1", "bind_client_ip": true}},
    {"name": "range", "account": "acme", "container": "ranges", "blobs": ["**"], "methods": ["DELETE"],
     "permissions": {"DELETE": "dx"},
     "sas": {"delete_lifetime_seconds": 1, "version": "2018-11-09", "ip_range": "203.0.113.0-203.0.113.255"}},
    {"name": "emulator", "account": "devstoreaccount1", "container": "uploads", "blobs": ["**"],
     "methods": ["PUT"],
     "sas": {"protocol": "https,http"}}
  ]
})";

std::string sign(SasSigner& signer, const Site& site, std::string_view uri, BlobVerb verb) {
  std::string decoded;
  const auto target = site.endpoints().parse(uri, BlobNames::raw, decoded);
  BOOST_REQUIRE_MESSAGE(target.has_value(), show(target));
  const auto grant =
      site.policy().decide(*target, verb, {"bob", "203.0.113.7", {}}, at("2026-03-01T12:00:00Z"));
  BOOST_REQUIRE_MESSAGE(grant.has_value(), show(grant));
  std::string out;
  signer.append_sas_uri(out, *grant);
  return out;
}

std::shared_ptr<const SigningKey> delegation_key() {
  return std::make_shared<const SigningKey>(UserDelegationKey{
      "oid", "tid", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "b", "2023-11-03", "",
      secret("0123456789abcdef0123456789abcdef"), at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z")});
}

// Nothing but a grant can be signed.
template <class T>
concept Signable = requires(SasSigner& signer, std::string& out, const T& what) {
  signer.append_sas_uri(out, what);
};
static_assert(Signable<SasGrant>);
static_assert(!Signable<BlobTarget>);
static_assert(!Signable<SasFields>);
static_assert(!Signable<std::string>);

}  // namespace

BOOST_AUTO_TEST_SUITE(sas_signer_tests)

// Signatures computed with Python's hmac from string-to-sign texts written by hand; the official SDK's
// vectors are in sas_vectors_tests.
BOOST_AUTO_TEST_CASE(a_grant_becomes_a_whole_uri) {
  struct Row {
    const char* name;
    const char* blob_uri;
    BlobVerb verb;
    const char* sas_uri;
  };
  constexpr Row kRows[] = {
      {"a PUT", "https://acme.blob.core.windows.net/uploads/bob/a.txt", BlobVerb::put,
       "https://acme.blob.core.windows.net/uploads/bob/"
       "a.txt?sv=2023-11-03&spr=https&se=2026-03-01T12%3A15%3A00Z&"
       "sr=b&sp=cw&sig=EpMMVvbGhJ4Yayu1EttUsi6yUWw84n5bEOe00uEal4A%3D"},
      {"a DELETE, with a plus in its signature", "https://acme.blob.core.windows.net/uploads/bob/a.txt",
       BlobVerb::del,
       "https://acme.blob.core.windows.net/uploads/bob/"
       "a.txt?sv=2023-11-03&spr=https&se=2026-03-01T12%3A05%3A00Z&"
       "sr=b&sp=d&sig=LLuyfL9d1Irtci5BVd2VZklWQB%2BX2qQI5Qxiimb3wGk%3D"},
      {"host in capitals, everything else that a rule can say, and a name to escape",
       "HTTPS://ACME.BLOB.CORE.WINDOWS.NET/full/\xc3\x9cn\xc3\xaf/a b#c?d%20e+f.txt", BlobVerb::put,
       "https://acme.blob.core.windows.net/full/%C3%9Cn%C3%AF/a%20b%23c%3Fd%2520e%2Bf.txt?sv=2025-05-05&"
       "spr=https%2Chttp&st=2026-03-01T11%3A45%3A00Z&se=2026-03-01T13%3A00%3A00Z&sip=203.0.113.7&ses=scope-1&"
       "sr=b&"
       "sp=cwt&sig=UQDb35BM2GP7HfmQCsaOuFEZXcrtHciFo4QFQrbOh5s%3D"},
      {"an old version and a range of addresses", "https://acme.blob.core.windows.net/ranges/x",
       BlobVerb::del,
       "https://acme.blob.core.windows.net/ranges/x?sv=2018-11-09&spr=https&se=2026-03-01T12%3A00%3A01Z&"
       "sip=203.0.113.0-203.0.113.255&sr=b&sp=dx&sig=Zvgd3yyjNT2EJccmv%2F5RYFVRhDF5blDZAv0PQfdHlxo%3D"},
      {"path style signs the account once", "http://127.0.0.1:10000/devstoreaccount1/uploads/bob/a.txt",
       BlobVerb::put,
       "http://127.0.0.1:10000/devstoreaccount1/uploads/bob/a.txt?sv=2023-11-03&spr=https%2Chttp&"
       "se=2026-03-01T12%3A15%3A00Z&sr=b&sp=cw&sig=T7s4UF21aX1O86HHx8NctQ4uQHr3ytj9%2FkT9Yt90aa4%3D"},
  };
  const auto site = site_from(kWide);
  SasSigner signer(account_key());
  for (int round = 0; round < 2; ++round) {  // the signer is used again and again
    for (const Row& row : kRows) {
      BOOST_TEST_CONTEXT(row.name) {
        BOOST_TEST(sign(signer, *site, row.blob_uri, row.verb) == row.sas_uri);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_user_delegation_key_signs_grants_too) {
  const auto site = site_from(kWide);
  SasSigner signer(delegation_key());
  BOOST_TEST(sign(signer, *site, "https://acme.blob.core.windows.net/uploads/bob/a.txt", BlobVerb::put) ==
             "https://acme.blob.core.windows.net/uploads/bob/a.txt?sv=2023-11-03&spr=https&"
             "se=2026-03-01T12%3A15%3A00Z&skoid=oid&sktid=tid&skt=2026-03-01T00%3A00%3A00Z&"
             "ske=2026-03-02T00%3A00%3A00Z&sks=b&skv=2023-11-03&sr=b&sp=cw&"
             "sig=A%2Bczzj858MKdka1v7jQ64DVD9PRSNjJK7Ju5t93PZI4%3D");
}

BOOST_AUTO_TEST_CASE(a_signer_keeps_its_key_when_it_is_moved_or_the_owner_lets_go) {
  const auto site = site_from(kWide);
  auto key = delegation_key();
  SasSigner first(key);
  const std::string uri = "https://acme.blob.core.windows.net/uploads/bob/a.txt";
  const std::string before = sign(first, *site, uri, BlobVerb::put);
  key.reset();
  SasSigner second(std::move(first));
  BOOST_TEST(sign(second, *site, uri, BlobVerb::put) == before);
}

BOOST_AUTO_TEST_SUITE_END()
