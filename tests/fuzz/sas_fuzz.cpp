// From a blob's URI to the signed one: what is signed is the blob that was asked for and that a rule allows.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>

#include "core/sas_signer.hpp"
#include "core/site.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {
namespace {

constexpr std::string_view kConfig = R"({
  "accounts": [{
    "name": "acme", "endpoint": "https://acme.blob.core.windows.net", "aliases": ["http://127.0.0.1:10000/acme"],
    "credential": {"type": "shared_key", "key_env": "KEY"}}],
  "sas": {"protocol": "https,http", "start_backdate_seconds": 60},
  "rules": [
    {"name": "own", "account": "acme", "container": "own", "blobs": ["{user}/**"], "methods": ["PUT", "DELETE"]},
    {"name": "drop", "account": "acme", "container": "drop", "blobs": ["**"], "methods": ["PUT"],
     "anonymous": true, "allow_empty_segments": true}]})";
constexpr UtcSeconds kNow{std::chrono::seconds{1'772'366'400}};
const std::string kKey(64, 'k');

struct Setup {
  std::shared_ptr<const SigningKey> key;
  Site site;
  SasSigner signer;
};

Setup make_setup() {
  std::array<unsigned char, 89> base64{};
  EVP_EncodeBlock(base64.data(), reinterpret_cast<const unsigned char*>(kKey.data()),
                  static_cast<int>(kKey.size()));
  auto parsed = AccountKey::parse(reinterpret_cast<const char*>(base64.data()));
  const auto key = std::make_shared<const SigningKey>(std::move(*parsed));
  return {key, Site(*Config::parse(kConfig), {{key, nullptr}}), SasSigner(key)};
}

std::string hmac_base64(const std::string& message) {
  std::array<unsigned char, 32> digest{};
  HMAC(EVP_sha256(), kKey.data(), static_cast<int>(kKey.size()),
       reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(), nullptr);
  std::array<unsigned char, 45> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(digest.size()));
  return reinterpret_cast<const char*>(base64.data());
}

bool has_dot_segment(const std::string& name) {
  return std::ranges::any_of(split(name, '/'), [](const auto& s) { return s == "." || s == ".."; });
}

/// The service's own recipe for version 2023-11-03: 16 lines ("Create a service SAS", learn.microsoft.com).
std::string string_to_sign(std::map<std::string, std::string>& query, const std::string& blob) {
  return query["sp"] + "\n" + query["st"] + "\n" + query["se"] + "\n/blob/acme/" + blob + "\n\n\n" +
         query["spr"] + "\n" + query["sv"] + "\n" + query["sr"] + "\n\n\n\n\n\n\n";
}

/// Container and name as the request wrote them: what stands behind the endpoint, decoded if it is encoded.
std::string asked_for(std::string_view blob_uri, BlobNames names) {
  const std::size_t host = blob_uri.find("://");
  require(host != std::string_view::npos, "what is signed was asked for by a whole URI");
  const std::size_t path = blob_uri.find('/', host + 3);
  require(path != std::string_view::npos, "which has a path");
  std::string_view rest = blob_uri.substr(path + 1);
  constexpr std::string_view kEmulated = "acme/";  // the path of the alias
  if (blob_uri.substr(host + 3, path - host - 3) == "127.0.0.1:10000") rest.remove_prefix(kEmulated.size());
  return names == BlobNames::uri ? decode(rest, false) : std::string(rest);
}

/// The same of the signed URI, whose endpoints are in lower case.
std::string signed_for(const std::string& uri) {
  return asked_for(uri.substr(0, uri.find('?')), BlobNames::uri);
}

void check_signed(const std::string& uri, const SasGrant& grant) {
  const BlobTarget& target = grant.target();
  const std::string name(target.blob.view());
  const std::string container(target.container.view());
  const auto in_url = [](char c) { return c > ' ' && c < 127 && c != '#' && c != '\\' && c != '"'; };
  require(std::ranges::all_of(uri, in_url) && std::ranges::count(uri, '?') == 1,
          "a URL with one ?, without #");

  const std::size_t mark = uri.find('?');
  const std::string prefix = std::string(target.endpoint_url) + "/" + container + "/";
  require(uri.starts_with(prefix), "the endpoint as configured, and the container");
  require(decode(uri.substr(prefix.size(), mark - prefix.size()), false) == name,
          "the path decodes to the name");
  require(!has_dot_segment(name), "no segment that a URL parser collapses");

  std::map<std::string, std::string> query;
  for (const std::string& pair : split(uri.substr(mark + 1), '&')) {
    const std::size_t equals = pair.find('=');
    require(query.emplace(pair.substr(0, equals), decode(pair.substr(equals + 1), false)).second,
            "nothing twice");
  }
  require(query["sig"] == hmac_base64(string_to_sign(query, container + "/" + name)),
          "the signature is that blob's");
}

void check_allowed(const BlobTarget& target, BlobVerb verb, const Caller& caller) {
  const std::string_view name = target.blob.view();
  const bool own = target.container.view() == "own" && caller.user == "alice" && name.starts_with("alice/") &&
                   !target.blob.has_empty_segment();
  const bool drop = target.container.view() == "drop" && verb == BlobVerb::put;
  require(own || drop, "only what a rule allows");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  static fuzz::Setup setup = fuzz::make_setup();
  std::string_view blob_uri = fuzz::as_text(data, size);
  const unsigned choice = fuzz::take_choice(blob_uri);
  const BlobNames names = choice & 1U ? BlobNames::uri : BlobNames::raw;
  const BlobVerb verb = choice & 2U ? BlobVerb::del : BlobVerb::put;
  const Caller caller{choice & 4U ? "" : "alice", "192.0.2.1", {}};

  std::string decoded;
  const auto target = setup.site.endpoints().parse(blob_uri, names, decoded);
  if (!target) return 0;
  const auto grant = setup.site.policy().decide(*target, verb, caller, fuzz::kNow);
  if (!grant) return 0;
  fuzz::check_allowed(*target, verb, caller);
  std::string uri;
  setup.signer.append_sas_uri(uri, *grant);
  fuzz::check_signed(uri, *grant);
  fuzz::require(fuzz::signed_for(uri) == fuzz::asked_for(blob_uri, names),
                "container and name are those that were asked for");

  const std::string signed_path = uri.substr(0, uri.find('?'));
  std::string decoded_again;
  const auto again = setup.site.endpoints().parse(signed_path, BlobNames::uri, decoded_again);
  fuzz::require(again && again->container.view() == target->container.view() &&
                    again->blob.view() == target->blob.view(),
                "printed and parsed again it is the same blob");
  return 0;
}
