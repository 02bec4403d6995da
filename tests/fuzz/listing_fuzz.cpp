// What Azure answers to List Blobs: whatever it is, the answer to the page is JSON that Fine Uploader takes,
// names only files that the caller may delete, below the folder that was asked for, and holds nothing that
// lists a container.
#include <rapidjson/document.h>

#include <algorithm>
#include <array>

#include "core/app.hpp"
#include "core/uuid.hpp"
#include "tests/fuzz/property.hpp"

namespace blobvalet::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kConfig = R"({
  "accounts": [{"name": "acme", "endpoint": "https://acme", "credential": {"type": "shared_key", "key_file": "k"}}],
  "rules": [
    {"name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"], "methods": ["PUT", "DELETE"],
     "list": true, "thumbnail": {"type": "read_sas"}},
    {"name": "pool", "account": "acme", "container": "uploads", "blobs": ["pool/*.jpg"], "methods": ["DELETE"],
     "list": true},
    {"name": "silent", "account": "acme", "container": "uploads", "blobs": ["silent/**"], "methods": ["PUT", "DELETE"]}
  ],
  "session": {"max_files": 5, "max_blobs": 20}
})";

struct Now final : Clock {
  [[nodiscard]] UtcSeconds now() const override { return *parse_utc("2026-03-01T12:00:00Z"); }
};

struct Ticks final : Timer {
  [[nodiscard]] Time now() const override { return time; }
  void sleep_for(std::chrono::milliseconds duration) override { time += duration; }
  Time time{1h};
};

/// Gives the input as the first page, and the same again for each further one.
struct Azure final : Http {
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> send(const HttpCall& call) override {
    require(call.url.starts_with("https://acme/uploads?"), "only the container is asked for");
    require(call.url.find("&prefix=") != std::string::npos, "and a prefix of it");
    ++calls;
    return HttpAnswer{200, {}, std::string(body)};
  }
  std::string_view body;
  unsigned calls = 0;
};

struct NoMagic final : MagicNumbers {
  [[nodiscard]] std::string media_type(std::string_view /*bytes*/) override { return {}; }
};
struct NoSecrets final : SecretFiles {
  [[nodiscard]] std::optional<SecretBytes> read(const std::string& /*path*/) override { return std::nullopt; }
};
struct NoRefusals final : RefusalMemory {
  void remember(std::string_view /*upload*/, Errc /*errc*/) override {}
  [[nodiscard]] std::optional<Errc> recall(std::string_view /*upload*/) override { return std::nullopt; }
};

std::shared_ptr<const Site> make_site() {
  const auto key = std::make_shared<const SigningKey>(*AccountKey::parse("c2l4dGVlbiBieXRlcyBvZiBrZXk="));
  Config config = *Config::parse(kConfig);
  return std::make_shared<const Site>(std::move(config), std::vector<AccountKeys>{{key, key}});
}

struct Bench {
  std::shared_ptr<const Site> site = make_site();
  Now clock;
  Ticks timer;
  Azure azure;
  NoMagic magic;
  NoSecrets secrets;
  NoRefusals refusals;
  CallbackPorts ports{azure, timer, magic, secrets, refusals};
  App app{site, clock, &ports};
};

std::string_view text_of(const rapidjson::Value& item, const char* name) {
  const auto member = item.FindMember(name);
  require(member != item.MemberEnd() && member->value.IsString(), "an item has its members");
  return {member->value.GetString(), member->value.GetStringLength()};
}

/// By the words of README, without the code that is tested.
bool is_alices(std::string_view name) {
  if (name.starts_with("alice/")) return name.size() > 6;
  return name.starts_with("pool/") && name.ends_with(".jpg") && name.find('/', 5) == std::string_view::npos;
}

void check_item(const rapidjson::Value& item, const Site& site, const std::string& folder) {
  const std::string name = folder + std::string(text_of(item, "blobName"));
  require(name.size() > folder.size() && is_alices(name), "a file is the caller's");
  const std::string uri = "https://acme/uploads/" + name;
  std::string decoded;
  const auto target = site.endpoints().parse(uri, BlobNames::raw, decoded);
  require(target.has_value(), "its name can be signed");
  require(site.policy().decide(*target, BlobVerb::del, {"alice", "203.0.113.7"}, Now().now()).has_value(),
          "and it can be deleted");
  require(!text_of(item, "name").empty() && is_uuid(text_of(item, "uuid")), "a name and a UUID");
  require(item.HasMember("size") && item["size"].IsUint64(), "a size");
  constexpr std::array<std::string_view, 6> kMembers{"name",     "uuid",         "size",
                                                     "blobName", "thumbnailUrl", "more"};
  for (const auto& member : item.GetObject()) {
    const std::string_view key(member.name.GetString(), member.name.GetStringLength());
    require(std::ranges::find(kMembers, key) != kMembers.end(), "and nothing else");
  }
  if (!item.HasMember("thumbnailUrl")) return;
  const std::string_view url = text_of(item, "thumbnailUrl");
  require(url.starts_with("https://acme/uploads/alice/"), "a picture of the caller's own");
  // No part of the address before its query can hold these: they would be encoded.
  require(url.find("?sv=") != url.npos && url.find("&sr=b&sp=r&") != url.npos, "by a SAS to look at it");
}

void check_answer(const std::string& body, const Site& site, const std::string& folder) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(body.data(), body.size());
  require(!document.HasParseError() && document.IsArray(), "an array");
  require(document.Size() <= site.session().max_files, "of a bounded length");
  for (const rapidjson::Value& item : document.GetArray()) {
    check_item(item, site, folder);
    const bool is_last = &item == &document[document.Size() - 1];
    require(is_last || !item.HasMember("more"), "only the last says that there is more");
  }
}

void check(std::string_view xml, const std::string& folder) {
  static Bench bench;
  bench.azure.body = xml;
  bench.azure.calls = 0;
  const std::string slashless = folder.empty() ? "" : "/" + folder.substr(0, folder.size() - 1);
  const std::string query = "container=https://acme/uploads" + slashless;
  Request request;
  request.endpoint = "session";
  request.method = "GET";
  request.query = query;
  request.user = "alice";
  request.remote_addr = "203.0.113.7";
  Response response;
  const Event event = bench.app.handle(request, response);
  require(bench.azure.calls <= 2 * bench.site->session().max_blobs, "a bounded number of requests");
  if (event.code == "ok") return check_answer(response.body, *bench.site, folder);
  require(event.code == "azure_refused", "or it is no listing");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  std::string_view input = fuzz::as_text(data, size);
  switch (fuzz::take_choice(input) % 4) {
    case 0: fuzz::check(input, ""); break;
    case 1: fuzz::check(input, "alice/b/"); break;
    case 2: fuzz::check(input, "pool/"); break;
    default: fuzz::check(input, "alice/"); break;
  }
  return 0;
}
