#include "core/sas_fields.hpp"

#include "core/percent_encoding.hpp"

namespace blobvalet {
namespace {

/// Joins fields by line feeds: each but the last is ended by one.
class StringToSign {
 public:
  explicit StringToSign(std::string& out) : out_(out) {}
  StringToSign& field(std::string_view value) {
    if (!value.empty()) out_.append(value);  // most are
    out_.push_back('\n');
    return *this;
  }
  /// `/blob/<account>/<container>[/<blob>]`; the account is the configured one, never taken from the host.
  StringToSign& canonical_resource(const SasFields& fields) {
    out_.append(kBlobService).append(fields.account).push_back('/');
    out_.append(fields.container);
    if (!fields.blob.empty()) out_.push_back('/');
    return field(fields.blob);
  }
  /// Bound headers are each ended by a line feed, so that the field ends in one before the joining one.
  StringToSign& request_headers(std::span<const NamedValue> headers) {
    for (const auto& [name, value] : headers)
      out_.append(name).append(":").append(value).push_back('\n');
    return field("");
  }
  /// Bound query parameters each begin with a line feed instead.
  StringToSign& request_query_parameters(std::span<const NamedValue> parameters) {
    for (const auto& [name, value] : parameters)
      out_.append("\n").append(name).append(":").append(value);
    return field("");
  }
  void response_headers(const SasFields& fields) {
    field(fields.cache_control).field(fields.content_disposition).field(fields.content_encoding);
    field(fields.content_language);
    out_.append(fields.content_type);  // the last field: nothing follows it
  }

 private:
  static constexpr std::string_view kBlobService = "/blob/";
  std::string& out_;
};

/// Only a SAS for a snapshot or a version of a blob fills its field; we sign the blob itself.
constexpr std::string_view kNoSnapshot;

class SasQuery {
 public:
  explicit SasQuery(std::string& out) : out_(out) {}
  SasQuery& parameter(std::string_view name, std::string_view value) {
    if (value.empty()) return *this;
    begin(name);
    append_query_encoded(out_, value);
    return *this;
  }
  SasQuery& name_list(std::string_view name, std::span<const NamedValue> list) {
    if (list.empty()) return *this;
    begin(name);
    for (const NamedValue& item : list) {
      if (&item != &list.front()) out_.append("%2C");
      append_query_encoded(out_, item.name);
    }
    return *this;
  }

 private:
  void begin(std::string_view name) {
    if (!first_) out_.push_back('&');
    first_ = false;
    out_.append(name).push_back('=');
  }
  std::string& out_;
  bool first_ = true;
};

}  // namespace

void append_string_to_sign(std::string& out, const SasFields& fields) {
  StringToSign text(out);
  text.field(fields.permissions).field(fields.start).field(fields.expiry).canonical_resource(fields);
  text.field(fields.identifier).field(fields.ip).field(fields.protocol).field(fields.version->view());
  text.field(fields.resource).field(kNoSnapshot);
  if (fields.version->signs_encryption_scope()) text.field(fields.encryption_scope);
  text.response_headers(fields);
}

void append_string_to_sign(std::string& out, const SasFields& fields, const DelegationKeyFields& key) {
  const SasVersion& version = *fields.version;
  StringToSign text(out);
  text.field(fields.permissions).field(fields.start).field(fields.expiry).canonical_resource(fields);
  text.field(key.object_id).field(key.tenant_id).field(key.start).field(key.expiry);
  text.field(key.service).field(key.version);
  if (version.signs_authorized_object_ids()) {
    text.field(fields.authorized_object_id).field(fields.unauthorized_object_id).field(fields.correlation_id);
  }
  if (version.signs_delegated_user()) text.field(key.user_tenant_id).field(fields.delegated_user_object_id);
  text.field(fields.ip)
      .field(fields.protocol)
      .field(version.view())
      .field(fields.resource)
      .field(kNoSnapshot);
  if (version.signs_encryption_scope()) text.field(fields.encryption_scope);
  if (version.signs_request_headers()) {
    text.request_headers(fields.request_headers).request_query_parameters(fields.request_query_parameters);
  }
  text.response_headers(fields);
}

void append_sas_query(std::string& out, const SasFields& fields, const DelegationKeyFields* key,
                      std::string_view signature) {
  SasQuery query(out);
  query.parameter("sv", fields.version->view()).parameter("spr", fields.protocol);
  query.parameter("st", fields.start).parameter("se", fields.expiry);
  query.parameter("sip", fields.ip).parameter("si", fields.identifier);
  query.parameter("ses", fields.encryption_scope);
  if (key != nullptr) {
    query.parameter("skoid", key->object_id).parameter("sktid", key->tenant_id);
    query.parameter("skt", key->start).parameter("ske", key->expiry);
    query.parameter("sks", key->service).parameter("skv", key->version);
  }
  query.parameter("sr", fields.resource).parameter("sp", fields.permissions);
  query.parameter("rscc", fields.cache_control).parameter("rscd", fields.content_disposition);
  query.parameter("rsce", fields.content_encoding).parameter("rscl", fields.content_language);
  query.parameter("rsct", fields.content_type);
  if (key != nullptr) {
    query.parameter("saoid", fields.authorized_object_id).parameter("suoid", fields.unauthorized_object_id);
    query.parameter("scid", fields.correlation_id).parameter("sduoid", fields.delegated_user_object_id);
    query.parameter("skdutid", key->user_tenant_id);
    query.name_list("srh", fields.request_headers).name_list("srq", fields.request_query_parameters);
  }
  query.parameter("sig", signature);
}

}  // namespace blobvalet
