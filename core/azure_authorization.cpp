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

std::vector<NamedValue> parameters_of(std::string_view query) {
  std::vector<NamedValue> parameters;
  while (!query.empty()) {
    const std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    const std::size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    parameters.push_back({parameter.substr(0, equals), parameter.substr(equals + 1)});
  }
  return parameters;
}

/// Appends `name=value&...`, each value percent-encoded.
void append_query(std::string& url, const std::vector<NamedValue>& parameters) {
  for (const auto& [name, value] : parameters) {
    if (&name != &parameters.front().name) url.push_back('&');
    url.append(name).append("=");
    append_query_encoded(url, value);
  }
}

void add_shared_key(HttpCall& call, std::string_view account, const std::string& string_to_sign,
                    HmacSha256& key) {
  const auto signature = encode_base64(key(string_to_sign));
  std::string& header = call.headers.emplace_back("Authorization: SharedKey ");
  header.append(account).append(":").append(signature.data(), signature.size());
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

Result<void> AzureAuthorization::authorize_list(HttpCall& call, const ListGrant& list,
                                                std::vector<NamedValue> parameters, UtcSeconds used_until) {
  const BlobTarget& folder = list.folder();
  const RequestAuthorization& requests = site_.requests()[folder.account_index];
  call.ca_file = requests.ca_file;
  call.url.clear();
  parameters.insert(parameters.end(),
                    {{"restype", "container"}, {"comp", "list"}, {"prefix", list.prefix()}});
  if (requests.kind == RequestAuthorization::Kind::sas) {
    const auto sas = signers_.append_list_uri(call.url, list, clock_.now(), used_until);
    if (!sas) return tl::unexpected(sas.error());
    call.url.append("&");
    append_query(call.url, parameters);
    return {};
  }
  const std::string address = container_url(folder);
  call.url.append(address).append("?");
  append_query(call.url, parameters);
  call.headers.push_back("x-ms-version: " + std::string(list.rule().sas.version.view()));
  if (requests.kind == RequestAuthorization::Kind::bearer) return add_bearer_token(call, requests.token_file);
  call.headers.push_back("x-ms-date: " + http_date(clock_.now()));
  add_shared_key(call, folder.account,
                 shared_key_string_to_sign(call, folder.account, path_of(address), std::move(parameters)),
                 *shared_keys_[folder.account_index]);
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

std::string container_url(const BlobTarget& target) {
  return std::string(target.account_url).append("/").append(target.container.view());
}

std::string blob_url(const BlobTarget& target) {
  std::string url = container_url(target).append("/");
  append_path_encoded(url, target.blob.view());
  return url;
}

void sign_with_shared_key(HttpCall& call, std::string_view account, std::string_view path,
                          std::string_view query, HmacSha256& key) {
  add_shared_key(call, account, shared_key_string_to_sign(call, account, path, query), key);
}

std::string shared_key_string_to_sign(const HttpCall& call, std::string_view account, std::string_view path,
                                      std::string_view query) {
  return shared_key_string_to_sign(call, account, path, parameters_of(query));
}

std::string shared_key_string_to_sign(const HttpCall& call, std::string_view account, std::string_view path,
                                      std::vector<NamedValue> parameters) {
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
  std::ranges::sort(parameters, {}, [](const NamedValue& p) { return std::pair(p.name, p.value); });
  for (const auto& [name, value] : parameters)
    text.append("\n").append(name).append(":").append(value);
  return text;
}

}  // namespace blobvalet
