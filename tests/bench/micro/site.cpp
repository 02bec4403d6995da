#include "tests/bench/micro/site.hpp"

#include <cstdio>
#include <cstdlib>

namespace blobvalet::bench {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts)
    all.append(all.empty() ? "" : ",").append(text);
  return all;
}

std::shared_ptr<const SigningKey> key() {
  return std::make_shared<const SigningKey>(*AccountKey::parse(std::string(86, 'A') + "=="));
}

}  // namespace

UtcSeconds FixedClock::now() const {
  return *parse_utc("2026-03-01T12:00:00Z");
}

std::string blob_name(std::size_t i) {
  const std::string number = std::to_string(i);
  return "0b6b7f3e-1c5e-4a9e-9d0b-" + std::string(12 - number.size(), '0') + number + ".jpg";
}

std::string SiteTexts::json() const {
  return R"({"accounts":[)" + joined(accounts) + R"(],"rules":[)" + joined(rules) +
         R"(],"server":{"access_log":false,"audit_log":false}})";
}

std::string account_text(std::size_t i, bool shares_origin) {
  const std::string number = std::to_string(i);
  const std::string endpoint = endpoint_of(i, shares_origin);
  return R"({"name":"acme)" + number + R"(","endpoint":")" + endpoint.substr(0, endpoint.size() - 1) +
         R"(","credential":{"type":"shared_key","key_file":"k"}})";
}

std::string rule_text(std::size_t i, std::size_t account, std::string_view container,
                      std::string_view pattern, std::string_view more) {
  std::string text = R"({"name":"rule-)" + std::to_string(i) + R"(","account":"acme)" +
                     std::to_string(account) + R"(","container":")";
  text.append(container).append(R"(","blobs":[")").append(pattern).append(R"("],"methods":["PUT","DELETE"])");
  return text.append(more).append("}");
}

std::string endpoint_of(std::size_t i, bool shares_origin) {
  const std::string name = "acme" + std::to_string(i);
  return shares_origin ? "https://storage.example.com/" + name + "/"
                       : "https://" + name + ".blob.core.windows.net/";
}

std::shared_ptr<const Site> make_site(std::string_view json) {
  auto config = Config::parse(json);
  if (!config) {
    (void)std::fprintf(stderr, "%s\n", config.error().front().text().c_str());
    std::abort();
  }
  static const auto kKey = key();
  std::vector<AccountKeys> keys(config->accounts.size(), AccountKeys{kKey, nullptr});
  return std::make_shared<const Site>(std::move(*config), std::move(keys));
}

std::shared_ptr<const Site> plain_site() {
  return make_site(SiteTexts{{account_text(0)}, {rule_text(0, 0, "uploads", "{user}/**")}}.json());
}

ParsedUri::ParsedUri(const Site& site, std::string uri)
    : uri_(std::move(uri)), target_(site.endpoints().parse(uri_, BlobNames::raw, decoded_)) {
  if (!target_) std::abort();
}

}  // namespace blobvalet::bench
