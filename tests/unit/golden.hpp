#pragma once
#include <rapidjson/document.h>

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/base64.hpp"
#include "core/signing_key.hpp"
#include "tests/unit/support.hpp"

namespace blobvalet::testing {

/// A SAS that an official SDK made, see tests/vectors.
struct GoldenSas {
  std::string id;
  std::string url;
  std::string string_to_sign;
  std::string account;
  std::string blob;
  std::shared_ptr<const SigningKey> key;
  std::vector<std::pair<std::string, std::string>> headers;
};

inline std::string golden_text(const rapidjson::Value& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsString()) return {};
  return {found->value.GetString(), found->value.GetStringLength()};
}

inline std::shared_ptr<const SigningKey> golden_key(const rapidjson::Value& vector) {
  const auto found = vector.FindMember("userDelegationKey");
  if (found == vector.MemberEnd() || !found->value.IsObject())
    return account_key(golden_text(vector, "accountKey"));
  const rapidjson::Value& json = found->value;
  auto value = decode_base64(golden_text(json, "value"));
  BOOST_REQUIRE(value.has_value());
  UserDelegationKey key;
  key.object_id = golden_text(json, "signedObjectId");
  key.tenant_id = golden_text(json, "signedTenantId");
  key.start = golden_text(json, "signedStart");
  key.expiry = golden_text(json, "signedExpiry");
  key.service = golden_text(json, "signedService");
  key.version = golden_text(json, "signedVersion");
  key.user_tenant_id = golden_text(json, "signedDelegatedUserTenantId");
  key.value = std::move(*value);
  return std::make_shared<const SigningKey>(std::move(key));
}

inline std::vector<GoldenSas> golden_sas() {
  std::ifstream file(BLOBVALET_VECTORS "/sas-vectors.json", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  rapidjson::Document document;
  document.Parse(text.data(), text.size());
  BOOST_REQUIRE(!document.HasParseError());
  std::vector<GoldenSas> all;
  for (const rapidjson::Value& vector : document["vectors"].GetArray()) {
    GoldenSas sas{golden_text(vector, "id"),
                  golden_text(vector, "urlHostStyle"),
                  golden_text(vector, "stringToSign"),
                  golden_text(vector, "account"),
                  golden_text(vector, "blob"),
                  golden_key(vector),
                  {}};
    const auto headers = vector.FindMember("requestHeaders");
    if (headers != vector.MemberEnd() && headers->value.IsArray()) {
      for (const rapidjson::Value& pair : headers->value.GetArray())
        sas.headers.emplace_back(pair[0].GetString(), pair[1].GetString());
    }
    const auto parameters = vector.FindMember("requestQueryParameters");
    if (parameters != vector.MemberEnd() && parameters->value.IsArray()) {
      // The request carries what srq binds.
      for (const rapidjson::Value& pair : parameters->value.GetArray()) {
        sas.url.append("&").append(pair[0].GetString()).append("=").append(escaped(pair[1].GetString()));
      }
    }
    all.push_back(std::move(sas));
  }
  return all;
}

}  // namespace blobvalet::testing
