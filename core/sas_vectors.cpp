#include "core/sas_vectors.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <map>
#include <optional>

#include "core/base64.hpp"
#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_permissions.hpp"
#include "core/sas_signer.hpp"

namespace blobvalet {
namespace {

using Json = rapidjson::Value;
using Query = std::map<std::string, std::string, std::less<>>;

/// The member's text; empty for null, absent or another type.
std::string_view text(const Json& object, const char* name) {
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsString()) return {};
  return {found->value.GetString(), found->value.GetStringLength()};
}

/// `[["name", "value"], ...]`
std::vector<NamedValue> pairs(const Json& object, const char* name) {
  std::vector<NamedValue> result;
  const auto found = object.FindMember(name);
  if (found == object.MemberEnd() || !found->value.IsArray()) return result;
  for (const Json& pair : found->value.GetArray()) {
    if (!pair.IsArray() || pair.Size() != 2 || !pair[0].IsString() || !pair[1].IsString()) continue;
    result.push_back(
        {{pair[0].GetString(), pair[0].GetStringLength()}, {pair[1].GetString(), pair[1].GetStringLength()}});
  }
  return result;
}

std::optional<SigningKey> read_delegation_key(const Json& key) {
  auto value = decode_base64(text(key, "value"));
  if (!value) return std::nullopt;
  UserDelegationKey result;
  result.object_id = text(key, "signedObjectId");
  result.tenant_id = text(key, "signedTenantId");
  result.start = text(key, "signedStart");
  result.expiry = text(key, "signedExpiry");
  result.service = text(key, "signedService");
  result.version = text(key, "signedVersion");
  result.user_tenant_id = text(key, "signedDelegatedUserTenantId");
  result.value = std::move(*value);
  return result;
}

std::optional<SigningKey> read_key(const Json& vector) {
  const auto delegation = vector.FindMember("userDelegationKey");
  if (delegation != vector.MemberEnd() && delegation->value.IsObject()) {
    return read_delegation_key(delegation->value);
  }
  if (auto key = AccountKey::parse(text(vector, "accountKey"))) return std::move(*key);
  return std::nullopt;
}

std::optional<Query> decode_query(std::string_view encoded) {
  Query query;
  FormReader reader(encoded);
  while (const auto pair = reader.next()) {
    std::string value;
    if (!append_percent_decoded(value, pair->value)) return std::nullopt;
    if (!query.emplace(pair->name, value).second) return std::nullopt;
  }
  return query;
}

/// The path of `url` behind its host, decoded; it ends with the container and the blob's name.
std::string decoded_path(std::string_view url) {
  const std::size_t host = url.find("://") + 3;
  const std::size_t path = std::min(url.find('/', host), url.size());
  std::string decoded;
  if (!append_percent_decoded(decoded, url.substr(path, url.find('?') - path))) return "malformed";
  return decoded;
}

std::string encoded_blob_path(const SasFields& fields) {
  std::string path("/");
  path.append(fields.container);
  if (fields.blob.empty()) return path;
  path.push_back('/');
  append_path_encoded(path, fields.blob);
  return path;
}

}  // namespace

struct SasVectorCheck::Vector {
  const Json& json;
  SasVersion version;
  SasPermissions permissions;
  std::vector<NamedValue> request_headers;
  std::vector<NamedValue> request_query_parameters;
  SigningKey key;

  static std::optional<Vector> read(const Json& json) {
    const auto version = SasVersion::parse(text(json, "version"));
    const auto given = text(json, "permissionsGiven");
    const auto permissions = SasPermissions::parse(given.empty() ? text(json, "permissions") : given);
    auto key = read_key(json);
    if (!version || !permissions || !key) return std::nullopt;
    return Vector{json,
                  *version,
                  *permissions,
                  pairs(json, "requestHeaders"),
                  pairs(json, "requestQueryParameters"),
                  std::move(*key)};
  }

  [[nodiscard]] SasFields fields() const {
    SasFields fields;
    fields.version = &version;
    fields.permissions = permissions.text();
    fields.start = text(json, "start");
    fields.expiry = text(json, "expiry");
    fields.account = text(json, "account");
    fields.container = text(json, "container");
    fields.blob = text(json, "blob");
    fields.resource = text(json, "resource");
    fields.identifier = text(json, "identifier");
    fields.ip = text(json, "ip");
    fields.protocol = text(json, "protocol");
    fields.encryption_scope = text(json, "encryptionScope");
    fields.cache_control = text(json, "cacheControl");
    fields.content_disposition = text(json, "contentDisposition");
    fields.content_encoding = text(json, "contentEncoding");
    fields.content_language = text(json, "contentLanguage");
    fields.content_type = text(json, "contentType");
    fields.authorized_object_id = text(json, "preauthorizedAgentObjectId");
    fields.unauthorized_object_id = text(json, "agentObjectId");
    fields.correlation_id = text(json, "correlationId");
    fields.delegated_user_object_id = text(json, "delegatedUserObjectId");
    fields.request_headers = request_headers;
    fields.request_query_parameters = request_query_parameters;
    return fields;
  }
};

std::string SasVectorCheck::difference(const Vector& vector) {
  const SasFields fields = vector.fields();
  // The vector outlives the signer, which only borrows the key.
  SasSigner signer(std::shared_ptr<const SigningKey>(std::shared_ptr<void>(), &vector.key));
  const auto signature = encode_base64(signer.sign(fields));
  if (signer.string_to_sign_ != text(vector.json, "stringToSign")) return "string-to-sign";
  if (std::string_view(signature.data(), signature.size()) != text(vector.json, "signature"))
    return "signature";

  std::string query;
  signer.append_query(query, fields);
  const auto ours = decode_query(query);
  if (!ours || ours != decode_query(text(vector.json, "query"))) return "query values";

  const std::string path = decoded_path("https://host" + encoded_blob_path(fields));
  for (const char* url : {"urlHostStyle", "urlPathStyle"}) {
    if (!text(vector.json, url).empty() && !decoded_path(text(vector.json, url)).ends_with(path)) return url;
  }
  return {};
}

SasVectorReport SasVectorCheck::run(std::string_view json) {
  SasVectorReport report;
  rapidjson::Document document;
  document.Parse(json.data(), json.size());
  if (document.HasParseError() || !document.IsObject() || !document.HasMember("vectors") ||
      !document["vectors"].IsArray()) {
    report.unreadable = "is not a JSON object with a list of vectors";
    return report;
  }
  for (const Json& item : document["vectors"].GetArray()) {
    const std::string id(item.IsObject() ? text(item, "id") : "vector");
    const auto vector = item.IsObject() ? Vector::read(item) : std::nullopt;
    const std::string what = vector ? difference(*vector) : "version, permissions or key cannot be read";
    if (what.empty()) {
      ++report.passed;
    } else {
      report.failures.push_back(std::string(id).append(": ").append(what));
    }
  }
  return report;
}

}  // namespace blobvalet
