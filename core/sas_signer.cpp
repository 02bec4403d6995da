#include "core/sas_signer.hpp"

#include <algorithm>
#include <stdexcept>

#include "core/base64.hpp"
#include "core/percent_encoding.hpp"
#include "core/text_cursor.hpp"

namespace blobvalet {
namespace {

std::optional<DelegationKeyFields> delegation_of(const SigningKey& key) {
  if (const auto* delegation = std::get_if<UserDelegationKey>(&key)) return delegation->fields();
  return std::nullopt;
}

UtcSeconds expiry_of(const SasGrant& grant, const SigningKey& key) {
  const auto* delegation = std::get_if<UserDelegationKey>(&key);
  return delegation == nullptr ? grant.expiry() : std::min(grant.expiry(), delegation->not_after);
}

std::optional<UtcSeconds> start_of(const SasGrant& grant, const SigningKey& key) {
  const auto* delegation = std::get_if<UserDelegationKey>(&key);
  if (!grant.start() || delegation == nullptr) return grant.start();
  return std::max(*grant.start(), delegation->not_before);
}

RequestBinding binding_of(const SasGrant& grant) {
  return grant.declared_put() ? RequestBinding(*grant.declared_put()) : RequestBinding();
}

/// With the `?` that its SAS stands behind.
void append_blob_url(std::string& out, const BlobTarget& target) {
  const std::string_view endpoint = target.endpoint_url;
  const std::string_view container = target.container.view();
  const std::string_view blob = target.blob.view();
  const std::size_t blob_room = encoded_room(blob.size());
  TextCursor::append(out, endpoint.size() + container.size() + blob_room + 3, [&](TextCursor end) {
    // A container's name is made of characters that a path never escapes.
    end = end.put(endpoint).put('/').put(container).put('/');
    return end.put_by(blob_room, [&](char* at) { return write_path_encoded(at, blob); }).put('?');
  });
}

}  // namespace

SasSigner::SasSigner(std::shared_ptr<const SigningKey> key)
    : key_(std::move(key)), delegation_(delegation_of(*key_)), hmac_(secret_of(*key_)) {}

IssuedSas SasSigner::append_sas_uri(std::string& out, const SasGrant& grant) {
  check_binding(grant);
  const BlobTarget& target = grant.target();
  const UtcSeconds valid_until = expiry_of(grant, *key_);
  const auto valid_from = start_of(grant, *key_);
  const UtcText expiry(valid_until);
  const auto start = valid_from ? std::optional<UtcText>(*valid_from) : std::nullopt;

  SasFields fields;
  fields.version = &grant.version();
  fields.permissions = grant.permissions();
  if (start) fields.start = start->view();
  fields.expiry = expiry.view();
  fields.account = target.account;
  fields.container = target.container.view();
  fields.blob = target.blob.view();
  fields.ip = grant.ip();
  fields.protocol = grant.protocol();
  fields.encryption_scope = grant.encryption_scope();
  fields.content_disposition = grant.content_disposition();
  fields.content_type = grant.content_type();
  const RequestBinding binding = binding_of(grant);
  fields.request_headers = binding.headers();
  fields.request_query_parameters = binding.query_parameters();

  append_blob_url(out, target);
  return {valid_until, valid_from, append_query(out, fields)};
}

IssuedSas SasSigner::append_list_uri(std::string& out, const ListGrant& grant, UtcSeconds now) {
  constexpr std::chrono::minutes kLifetime{5};
  const auto* delegation = std::get_if<UserDelegationKey>(key_.get());
  const UtcSeconds valid_until =
      delegation == nullptr ? now + kLifetime : std::min<UtcSeconds>(now + kLifetime, delegation->not_after);
  const UtcText expiry(valid_until);
  const BlobTarget& folder = grant.folder();

  SasFields fields;
  fields.version = &grant.rule().sas.version;
  fields.permissions = "l";
  fields.resource = "c";
  fields.expiry = expiry.view();
  fields.account = folder.account;
  fields.container = folder.container.view();
  fields.protocol = grant.rule().sas.protocol;

  out.append(folder.account_url).append("/").append(folder.container.view()).append("?");
  return {valid_until, std::nullopt, append_query(out, fields)};
}

void SasSigner::check_binding(const SasGrant& grant) const {
  // The configuration and App see to it that neither happens. A SAS that lacks its binding would allow what
  // the rule does not, and nobody could tell.
  if (grant.lacks_binding()) throw std::logic_error("a rule that binds requests, and nothing bound");
  const bool can_bind = delegation_ && grant.version().signs_request_headers();
  if (grant.declared_put() && !can_bind) throw std::logic_error("this key or version cannot bind requests");
}

HmacSha256::Digest SasSigner::sign(const SasFields& fields) {
  string_to_sign_.clear();
  if (delegation_) {
    append_string_to_sign(string_to_sign_, fields, *delegation_);
  } else {
    append_string_to_sign(string_to_sign_, fields);
  }
  return hmac_(string_to_sign_);
}

std::array<char, 44> SasSigner::append_query(std::string& out, const SasFields& fields) {
  const auto signature = encode_base64(sign(fields));
  append_sas_query(out, fields, delegation_ ? &*delegation_ : nullptr, {signature.data(), signature.size()});
  return signature;
}

}  // namespace blobvalet
