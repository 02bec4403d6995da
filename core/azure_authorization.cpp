#include "core/azure_authorization.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "core/base64.hpp"
#include "core/http_date.hpp"
#include "core/percent_encoding.hpp"

namespace blobvalet {
namespace {

/// The value of a header that we set ourselves; empty if we did not.
std::string_view value_of(const HttpCall& call, std::string_view name) {
  for (const std::string_view header : call.headers) {
    if (header.starts_with(name) && header.substr(name.size()).starts_with(": ")) {
      return header.substr(name.size() + 2);
    }
  }
  return {};
}

/// All `x-ms-` headers, sorted, each as `name:value` and a line feed. Ours are in lower case already.
std::string canonical_headers(const HttpCall& call) {
  std::vector<std::string_view> headers;
  for (const std::string_view header : call.headers) {
    if (header.starts_with("x-ms-")) headers.push_back(header);
  }
  std::ranges::sort(headers);
  std::string text;
  for (const std::string_view header : headers) {
    const std::size_t colon = header.find(": ");
    text.append(header.substr(0, colon)).append(":").append(header.substr(colon + 2)).append("\n");
  }
  return text;
}

std::vector<std::string_view> sorted_parameters(std::string_view query) {
  std::vector<std::string_view> parameters;
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    if (parameter.find('=') != std::string_view::npos) parameters.push_back(parameter);
  }
  std::ranges::sort(parameters);
  return parameters;
}

/// What stands behind scheme and authority.
std::string_view path_of(std::string_view url) {
  const std::size_t authority = url.find("://") + 3;
  return url.substr(std::min(url.find('/', authority), url.size()));
}

}  // namespace

AzureAuthorization::AzureAuthorization(const Site& site, SasSigners& signers, const Clock& clock,
                                       SecretFiles& files)
    : site_(site), signers_(signers), clock_(clock), files_(files), shared_keys_(site.requests().size()) {
  for (std::size_t i = 0; i < shared_keys_.size(); ++i) {
    if (site.requests()[i].kind != RequestAuthorization::Kind::shared_key) continue;
    shared_keys_[i].emplace(std::get<AccountKey>(*site.signing_keys()[i]).bytes());
  }
}

Result<void> AzureAuthorization::authorize(HttpCall& call, const SasGrant& upload, ServiceOperation operation,
                                           std::string_view query) {
  const BlobTarget& target = upload.target();
  const RequestAuthorization& requests = site_.requests()[target.account_index];
  call.ca_file = requests.ca_file;
  if (requests.kind == RequestAuthorization::Kind::sas) return add_sas(call, upload, operation, query);
  call.url = blob_url(target);
  if (!query.empty()) call.url.append("?").append(query);
  // A SAS names the service version itself; here a header has to.
  call.headers.push_back("x-ms-version: " + std::string(upload.version().view()));
  if (requests.kind == RequestAuthorization::Kind::bearer) return add_bearer_token(call, requests.token_file);
  call.headers.push_back("x-ms-date: " + http_date(clock_.now()));
  sign_with_shared_key(call, target.account, path_of(blob_url(target)), query,
                       *shared_keys_[target.account_index]);
  return {};
}

Result<void> AzureAuthorization::add_sas(HttpCall& call, const SasGrant& upload, ServiceOperation operation,
                                         std::string_view query) {
  const UtcSeconds now = clock_.now();
  call.url.clear();
  const auto signed_until = signers_.append_sas_uri(call.url, upload.for_service(operation, now), now);
  if (!signed_until) return tl::unexpected(signed_until.error());
  if (!query.empty()) call.url.append("&").append(query);
  return {};
}

Result<void> AzureAuthorization::add_bearer_token(HttpCall& call, const std::string& file) {
  const auto token = files_.read(file);
  const auto printable = [](unsigned char c) { return c > ' ' && c < 0x7f; };
  if (!token || !std::ranges::all_of(token->reveal(), printable)) {
    return refuse(Errc::azure_refused, "", "the upload cannot be checked now",
                  "there is no bearer token in token_file");
  }
  std::string& header = call.headers.emplace_back();
  header.reserve(token->size() + 32);
  header.append("Authorization: Bearer ");
  header.append(reinterpret_cast<const char*>(token->reveal().data()), token->size());
  return {};
}

std::string blob_url(const BlobTarget& target) {
  std::string url(target.account_url);
  url.append("/").append(target.container.view()).append("/");
  append_path_encoded(url, target.blob.view());
  return url;
}

void sign_with_shared_key(HttpCall& call, std::string_view account, std::string_view path,
                          std::string_view query, HmacSha256& key) {
  const auto signature = encode_base64(key(shared_key_string_to_sign(call, account, path, query)));
  std::string& header = call.headers.emplace_back("Authorization: SharedKey ");
  header.append(account).append(":").append(signature.data(), signature.size());
}

std::string shared_key_string_to_sign(const HttpCall& call, std::string_view account, std::string_view path,
                                      std::string_view query) {
  std::string text(call.method);
  const auto field = [&](std::string_view value) { text.append("\n").append(value); };
  field({});  // Content-Encoding
  field({});  // Content-Language
  field(call.body.empty() ? std::string() : std::to_string(call.body.size()));
  field(value_of(call, "Content-MD5"));
  field(value_of(call, "Content-Type"));
  field({});  // Date: x-ms-date is sent instead
  field({});  // If-Modified-Since
  field(value_of(call, "If-Match"));
  field({});  // If-None-Match
  field({});  // If-Unmodified-Since
  field({});  // Range: x-ms-range is sent instead
  text.append("\n").append(canonical_headers(call));
  text.append("/").append(account).append(path);
  for (const std::string_view parameter : sorted_parameters(query)) {
    const std::size_t equals = parameter.find('=');
    text.append("\n").append(parameter.substr(0, equals)).append(":").append(parameter.substr(equals + 1));
  }
  return text;
}

}  // namespace blobvalet
