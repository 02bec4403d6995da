// The configuration file: any text is either taken, as it says, or refused with reasons, and no reason holds
// a setting's value.
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

std::string_view text_of(const rapidjson::Value& object, const char* name) {
  return {object[name].GetString(), object[name].GetStringLength()};
}

bool lists(const rapidjson::Value& array, std::string_view text) {
  return std::ranges::any_of(array.GetArray(), [=](const auto& item) { return item.GetString() == text; });
}

/// Accounts and rules are those of the text, in its order.
void check_read(std::string_view json, const Config& config) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag>(json.data(), json.size());
  require(!document.HasParseError() && document.IsObject(), "what is accepted is JSON");
  const auto& accounts = document["accounts"];
  const auto& rules = document["rules"];
  require(accounts.Size() == config.accounts.size() && rules.Size() == config.rules.size(), "none is lost");
  for (rapidjson::SizeType i = 0; i < accounts.Size(); ++i)
    require(text_of(accounts[i], "name") == config.accounts[i].name, "an account has its name");
  for (rapidjson::SizeType i = 0; i < rules.Size(); ++i) {
    const Rule& rule = config.rules[i];
    require(text_of(rules[i], "name") == rule.name, "a rule has its name");
    require(text_of(rules[i], "container") == rule.container, "and its container");
    require(text_of(rules[i], "account") == config.accounts[rule.account_index].name, "and its account");
    require(lists(rules[i]["methods"], "PUT") == !rule.put_permissions.text().empty(), "PUT as it says");
    require(lists(rules[i]["methods"], "DELETE") == !rule.delete_permissions.text().empty(),
            "DELETE as it says");
    require(rules[i]["blobs"].Size() == rule.blobs.size(), "as many patterns");
    for (rapidjson::SizeType j = 0; j < rules[i]["blobs"].Size(); ++j)
      require(rules[i]["blobs"][j].GetString() == rule.blobs[j].text(), "and each as it was written");
    const bool anonymous = rules[i].HasMember("anonymous") && rules[i]["anonymous"].GetBool();
    require(anonymous == rule.anonymous, "open to nobody but where it says so");
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
    fuzz::check_read(json, *config);
    fuzz::check_accepted(*config);
  } else {
    fuzz::check_refused(json, config.error());
  }
  return 0;
}
