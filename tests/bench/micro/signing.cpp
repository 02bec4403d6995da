// From a query to its answer, and what of that is the HMAC.
#include <benchmark/benchmark.h>
#include <openssl/evp.h>

#include <cstdlib>
#include <list>

#include "core/app.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_fields.hpp"
#include "tests/bench/micro/allocations.hpp"
#include "tests/bench/micro/site.hpp"

namespace blobvalet::bench {
namespace {

const Caller kAlice{"alice", "203.0.113.7"};

SasFields typical_fields(const SasVersion& version) {
  SasFields fields;
  fields.version = &version;
  fields.permissions = "cw";
  fields.expiry = "2026-03-01T12:15:00Z";
  fields.account = "acme0";
  fields.container = "uploads";
  fields.blob = "alice/0b6b7f3e-1c5e-4a9e-9d0b-000000000007.jpg";
  fields.protocol = "https";
  return fields;
}

std::string typical_string_to_sign() {
  std::string text;
  append_string_to_sign(text, typical_fields(*SasVersion::parse(SasVersion::kDefault)));
  return text;
}

/// A key's HMAC by this program's own code.
void hmac(benchmark::State& state) {
  const std::string text = typical_string_to_sign();
  SecretBytes key(64);
  HmacSha256 hmac(key);
  const AllocationCounters counters(state);
  while (state.KeepRunning())
    benchmark::DoNotOptimize(hmac(text));
}

/// The same by OpenSSL's HMAC, whose context holds the key and begins anew for each message.
void openssl_hmac(benchmark::State& state) {
  const std::string text = typical_string_to_sign();
  const unsigned char key[64] = {};
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_END};
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                              EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac.get()),
                                                                          EVP_MAC_CTX_free);
  if (EVP_MAC_init(context.get(), key, sizeof key, params) != 1) std::abort();
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    unsigned char out[32];
    std::size_t size = 0;
    const bool done = EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1 &&
                      EVP_MAC_update(context.get(), reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size()) == 1 &&
                      EVP_MAC_final(context.get(), out, &size, sizeof out) == 1;
    if (!done) std::abort();
    benchmark::DoNotOptimize(out);
  }
}

void string_to_sign(benchmark::State& state) {
  const auto version = *SasVersion::parse(SasVersion::kDefault);
  const SasFields fields = typical_fields(version);
  std::string text = typical_string_to_sign();
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    text.clear();
    append_string_to_sign(text, fields);
    benchmark::DoNotOptimize(text.data());
  }
}

/// A site's requests for different blobs of alice's.
struct Requests {
  Requests() {
    for (std::size_t i = 0; i < kNames; ++i)
      uris.emplace_back(*site, endpoint_of(0) + "uploads/alice/" + blob_name(i));
  }
  std::shared_ptr<const Site> site = plain_site();
  std::list<ParsedUri> uris;
};

/// A granted request's URI.
void grant_to_uri(benchmark::State& state) {
  const Requests requests;
  const UtcSeconds now = FixedClock().now();
  std::vector<SasGrant> grants;
  for (const ParsedUri& uri : requests.uris)
    grants.push_back(*requests.site->policy().decide(uri.target(), BlobVerb::put, kAlice, now));
  SasSigner signer(requests.site->signing_keys().front());
  std::string out;
  signer.append_sas_uri(out, grants.front());
  std::size_t i = 0;
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    out.clear();
    signer.append_sas_uri(out, grants[i++ % kNames]);
    benchmark::DoNotOptimize(out.data());
  }
}

/// Everything that core does for a request whose query is decoded: endpoint, names, rules, signature.
void request_to_uri(benchmark::State& state) {
  const Requests requests;
  const UtcSeconds now = FixedClock().now();
  std::vector<std::string_view> uris;
  for (const ParsedUri& uri : requests.uris)
    uris.emplace_back(uri.uri());
  SasSigner signer(requests.site->signing_keys().front());
  std::string out(512, ' ');
  std::string decoded;
  std::size_t i = 0;
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    out.clear();
    const auto target = requests.site->endpoints().parse(uris[i++ % kNames], BlobNames::raw, decoded);
    signer.append_sas_uri(out, *requests.site->policy().decide(*target, BlobVerb::put, kAlice, now));
    benchmark::DoNotOptimize(out.data());
  }
}

/// All of core's way, from the query to the answer's text.
void query_to_uri(benchmark::State& state) {
  const Requests requests;
  std::vector<std::string> queries;
  for (const ParsedUri& uri : requests.uris) {
    std::string& query = queries.emplace_back("bloburi=");
    append_query_encoded(query, uri.uri());
    query.append("&_method=PUT&qqtimestamp=1772366400000");
  }
  const FixedClock clock;
  App app(requests.site, clock);
  Request request;
  request.endpoint = "signature";
  request.method = "GET";
  request.user = kAlice.user;
  request.remote_addr = kAlice.remote_addr;
  request.query = queries.front();
  Response response;
  (void)app.handle(request, response);
  std::size_t i = 0;
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    request.query = queries[i++ % kNames];
    if (app.handle(request, response).status != Status::ok) std::abort();
    benchmark::DoNotOptimize(response.body.data());
  }
}

BENCHMARK(hmac)->Name("sign/hmac");
BENCHMARK(openssl_hmac)->Name("sign/openssl_hmac");
BENCHMARK(string_to_sign)->Name("sign/string_to_sign");
BENCHMARK(grant_to_uri)->Name("sign/grant_to_uri");
BENCHMARK(request_to_uri)->Name("sign/request_to_uri");
BENCHMARK(query_to_uri)->Name("sign/query_to_uri");

}  // namespace
}  // namespace blobvalet::bench
