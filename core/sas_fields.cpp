#include "core/sas_fields.hpp"

#include "core/percent_encoding.hpp"
#include "core/text_cursor.hpp"

namespace blobvalet {
namespace {

/// Fields joined by line feeds, none of which stands before the first.
class StringToSign {
 public:
  explicit StringToSign(TextCursor end) : end_(end) {}
  [[nodiscard]] StringToSign first(std::string_view value) const { return StringToSign(end_.put(value)); }
  // A call for each field takes longer than what it does, see TextCursor.
  [[nodiscard, gnu::always_inline]] StringToSign field(std::string_view value) const {
    return StringToSign(end_.put('\n').put(value));
  }
  /// One that only some versions sign: the others have no line feed for it either.
  [[nodiscard]] StringToSign field_if(bool is_signed, std::string_view value) const {
    return is_signed ? field(value) : *this;
  }
  /// `/blob/<account>/<container>[/<blob>]`; the account is the configured one, never taken from the host.
  [[nodiscard]] StringToSign canonical_resource(const SasFields& fields) const {
    const TextCursor end = end_.put("\n/blob/").put(fields.account).put('/').put(fields.container);
    return StringToSign(fields.blob.empty() ? end : end.put('/').put(fields.blob));
  }
  /// Bound headers are each ended by a line feed, so that the field ends in one before the joining one. Bound
  /// query parameters each begin with a line feed instead.
  [[nodiscard]] StringToSign bound_values(const SasFields& fields) const {
    return named(fields.request_headers).field("").field("").named(fields.request_query_parameters);
  }
  [[nodiscard]] StringToSign response_headers(const SasFields& fields) const {
    return field(fields.cache_control)
        .field(fields.content_disposition)
        .field(fields.content_encoding)
        .field(fields.content_language)
        .field(fields.content_type);
  }
  [[nodiscard]] TextCursor end() const { return end_; }

 private:
  [[nodiscard]] StringToSign named(std::span<const NamedValue> values) const {
    StringToSign text = *this;
    for (const auto& [name, value] : values)
      text = StringToSign(text.field(name).end_.put(':').put(value));
    return text;
  }
  TextCursor end_;
};

/// Only a SAS for a snapshot or a version of a blob fills its field; we sign the blob itself.
constexpr std::string_view kNoSnapshot;

/// Parameters behind one that is there already. What is empty is left out.
class SasQuery {
 public:
  explicit SasQuery(TextCursor end) : end_(end) {}
  [[nodiscard]] SasQuery parameter(std::string_view name, std::string_view value) const {
    return value.empty() ? *this : SasQuery(encoded(end_.put('&').put(name).put('='), value));
  }
  [[nodiscard]] SasQuery names(std::string_view name, std::span<const NamedValue> list) const {
    if (list.empty()) return *this;
    SasQuery query = parameter(name, list.front().name);
    for (const NamedValue& item : list.subspan(1))
      query = SasQuery(encoded(query.end_.put("%2C"), item.name));
    return query;
  }
  [[nodiscard]] TextCursor end() const { return end_; }

 private:
  static TextCursor encoded(TextCursor end, std::string_view value) {
    return end.put_by(encoded_room(value.size()), [&](char* at) { return write_query_encoded(at, value); });
  }
  TextCursor end_;
};

std::size_t bytes_of(std::span<const NamedValue> list) {
  constexpr std::size_t kSeparators = 3;
  std::size_t bytes = 0;
  for (const auto& [name, value] : list)
    bytes += name.size() + value.size() + kSeparators;
  return bytes;
}

/// All values together, with what separates those of lists.
std::size_t bytes_of(const SasFields& fields) {
  return bytes_of(fields.request_headers) + bytes_of(fields.request_query_parameters) +
         fields.version->view().size() + fields.permissions.size() + fields.start.size() +
         fields.expiry.size() + fields.account.size() + fields.container.size() + fields.blob.size() +
         fields.resource.size() + fields.identifier.size() + fields.ip.size() + fields.protocol.size() +
         fields.encryption_scope.size() + fields.cache_control.size() + fields.content_disposition.size() +
         fields.content_encoding.size() + fields.content_language.size() + fields.content_type.size() +
         fields.authorized_object_id.size() + fields.unauthorized_object_id.size() +
         fields.correlation_id.size() + fields.delegated_user_object_id.size();
}
std::size_t bytes_of(const DelegationKeyFields& key) {
  return key.object_id.size() + key.tenant_id.size() + key.start.size() + key.expiry.size() +
         key.service.size() + key.version.size() + key.user_tenant_id.size();
}

/// The line feeds of a string-to-sign, and what its canonical resource has beside names.
constexpr std::size_t kSeparatorBytes = 48;
/// The names of all parameters, each with `&` and `=`.
constexpr std::size_t kNameBytes = 192;

}  // namespace

void append_string_to_sign(std::string& out, const SasFields& fields) {
  const SasVersion& version = *fields.version;
  TextCursor::append(out, bytes_of(fields) + kSeparatorBytes, [&](TextCursor begin) {
    return StringToSign(begin)
        .first(fields.permissions)
        .field(fields.start)
        .field(fields.expiry)
        .canonical_resource(fields)
        .field(fields.identifier)
        .field(fields.ip)
        .field(fields.protocol)
        .field(version.view())
        .field(fields.resource)
        .field(kNoSnapshot)
        .field_if(version.signs_encryption_scope(), fields.encryption_scope)
        .response_headers(fields)
        .end();
  });
}

void append_string_to_sign(std::string& out, const SasFields& fields, const DelegationKeyFields& key) {
  const SasVersion& version = *fields.version;
  const bool signs_object_ids = version.signs_authorized_object_ids();
  const bool signs_delegated_user = version.signs_delegated_user();
  TextCursor::append(out, bytes_of(fields) + bytes_of(key) + kSeparatorBytes, [&](TextCursor begin) {
    const StringToSign text = StringToSign(begin)
                                  .first(fields.permissions)
                                  .field(fields.start)
                                  .field(fields.expiry)
                                  .canonical_resource(fields)
                                  .field(key.object_id)
                                  .field(key.tenant_id)
                                  .field(key.start)
                                  .field(key.expiry)
                                  .field(key.service)
                                  .field(key.version)
                                  .field_if(signs_object_ids, fields.authorized_object_id)
                                  .field_if(signs_object_ids, fields.unauthorized_object_id)
                                  .field_if(signs_object_ids, fields.correlation_id)
                                  .field_if(signs_delegated_user, key.user_tenant_id)
                                  .field_if(signs_delegated_user, fields.delegated_user_object_id)
                                  .field(fields.ip)
                                  .field(fields.protocol)
                                  .field(version.view())
                                  .field(fields.resource)
                                  .field(kNoSnapshot)
                                  .field_if(version.signs_encryption_scope(), fields.encryption_scope);
    return (version.signs_request_headers() ? text.bound_values(fields) : text)
        .response_headers(fields)
        .end();
  });
}

void append_sas_query(std::string& out, const SasFields& fields, const DelegationKeyFields* key,
                      std::string_view signature) {
  const std::size_t key_bytes = key == nullptr ? 0 : bytes_of(*key);
  const std::size_t room = encoded_room(bytes_of(fields) + key_bytes + signature.size()) + kNameBytes;
  TextCursor::append(out, room, [&](TextCursor begin) {
    SasQuery query = SasQuery(begin.put("sv=").put(fields.version->view()))
                         .parameter("spr", fields.protocol)
                         .parameter("st", fields.start)
                         .parameter("se", fields.expiry)
                         .parameter("sip", fields.ip)
                         .parameter("si", fields.identifier)
                         .parameter("ses", fields.encryption_scope);
    if (key != nullptr) {
      query = query.parameter("skoid", key->object_id)
                  .parameter("sktid", key->tenant_id)
                  .parameter("skt", key->start)
                  .parameter("ske", key->expiry)
                  .parameter("sks", key->service)
                  .parameter("skv", key->version);
    }
    query = query.parameter("sr", fields.resource)
                .parameter("sp", fields.permissions)
                .parameter("rscc", fields.cache_control)
                .parameter("rscd", fields.content_disposition)
                .parameter("rsce", fields.content_encoding)
                .parameter("rscl", fields.content_language)
                .parameter("rsct", fields.content_type);
    if (key != nullptr) {
      query = query.parameter("saoid", fields.authorized_object_id)
                  .parameter("suoid", fields.unauthorized_object_id)
                  .parameter("scid", fields.correlation_id)
                  .parameter("sduoid", fields.delegated_user_object_id)
                  .parameter("skdutid", key->user_tenant_id)
                  .names("srh", fields.request_headers)
                  .names("srq", fields.request_query_parameters);
    }
    return query.parameter("sig", signature).end();
  });
}

}  // namespace blobvalet
