// The configuration file: any text is either taken or refused with reasons, and no reason holds a setting's
// value.
#include <rapidjson/document.h>

#include <algorithm>

#include "core/site.hpp"
#include "tests/fuzz/property.hpp"

namespace blobvalet::fuzz {
namespace {

// Stands for a key that somebody pasted into the wrong place; the dictionary offers it as a value.
constexpr std::string_view kSecret = "c2VjcmV0";

bool names_hold_secret(const rapidjson::Value& value) {
  if (value.IsArray()) return std::ranges::any_of(value.GetArray(), names_hold_secret);
  if (!value.IsObject()) return false;
  return std::ranges::any_of(value.GetObject(), [](const auto& member) {
    const std::string_view name(member.name.GetString(), member.name.GetStringLength());
    return name.find(kSecret) != name.npos || names_hold_secret(member.value);
  });
}

/// False for text that is no JSON at all: of that only the position is told.
bool may_echo_secret(std::string_view json) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  return !document.HasParseError() && names_hold_secret(document);
}

void check_refused(std::string_view json, const ConfigFaults& faults) {
  require(!faults.empty(), "a refusal has a reason");
  const bool may_echo = may_echo_secret(json);
  for (const ConfigFault& fault : faults) {
    require(!fault.message.empty(), "a reason says something");
    require(may_echo || fault.text().find(kSecret) == std::string::npos, "no reason holds a value");
  }
}

void check_accepted(const Config& config) {
  for (const Rule& rule : config.rules) {
    require(rule.account_index < config.accounts.size(), "a rule's account exists");
    require(!rule.blobs.empty(), "a rule has patterns");
    require(rule.put_permissions.within("cwt") && rule.delete_permissions.within("dx"),
            "no rule lets read or list");
  }
  const auto key = std::make_shared<const SigningKey>(*AccountKey::parse("c2l4dGVlbiBieXRlcyBvZiBrZXk="));
  const Site site(config, std::vector<AccountKeys>(config.accounts.size(), {key, key}));
  require(site.signing_keys().size() == config.accounts.size(), "every account signs");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  const std::string_view json = fuzz::as_text(data, size);
  const auto config = Config::parse(json);
  if (config) {
    fuzz::check_accepted(*config);
  } else {
    fuzz::check_refused(json, config.error());
  }
  return 0;
}
