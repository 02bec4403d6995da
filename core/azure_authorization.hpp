#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http_client.hpp"
#include "core/policy.hpp"
#include "core/ports.hpp"
#include "core/result.hpp"
#include "core/sas_signers.hpp"
#include "core/site.hpp"

namespace blobvalet {

/// Puts address and credential into requests of our own to Azure, each about what a grant is about, a blob or
/// a prefix: a SAS of five minutes, Shared Key, or a bearer token, as `accounts[].requests` says. Not for use
/// by two threads at once.
class AzureAuthorization {
 public:
  /// All arguments outlive it.
  AzureAuthorization(const Site& site, SasSigners& signers, const Clock& clock, SecretFiles& files);

  /// Completes `call`, whose method, body and `x-ms-` headers are set: gives it the blob's URL with `query`
  /// (such as `comp=tags`; may be empty) and the credential for `operation`. Errors: azure_refused (there is
  /// no token), key_unavailable.
  [[nodiscard]] Result<void> authorize(HttpCall& call, const SasGrant& upload, ServiceOperation operation,
                                       std::string_view query);
  /// The same for List Blobs: gives `call` the container's URL, and `parameters`, which are not encoded yet
  /// and do not name the prefix: that is the grant's. The answer is used until `used_until`.
  [[nodiscard]] Result<void> authorize_list(HttpCall& call, const ListGrant& list,
                                            std::vector<NamedValue> parameters, UtcSeconds used_until);

 private:
  [[nodiscard]] Result<void> add_sas(HttpCall& call, const SasGrant& upload, ServiceOperation operation,
                                     std::string_view query);
  [[nodiscard]] Result<void> add_bearer_token(HttpCall& call, const std::string& file);

  const Site& site_;
  SasSigners& signers_;
  const Clock& clock_;
  SecretFiles& files_;
  std::vector<std::optional<HmacSha256>> shared_keys_;  ///< of the accounts that want Shared Key
};

/// The blob's address at the account's own endpoint, without any SAS.
[[nodiscard]] std::string blob_url(const BlobTarget& target);

/// The container's, likewise.
[[nodiscard]] std::string container_url(const BlobTarget& target);

/// Puts a Shared Key signature into `call`, whose other headers are set; `path` and `query` are as below.
void sign_with_shared_key(HttpCall& call, std::string_view account, std::string_view path,
                          std::string_view query, HmacSha256& key);

/// The text whose HMAC is a Shared Key signature ("Authorize with Shared Key", learn.microsoft.com). `path`
/// is that of the URL, still percent-encoded; `query` holds `name=value` joined by `&`, in lower case and
/// without escapes, or is empty.
[[nodiscard]] std::string shared_key_string_to_sign(const HttpCall& call, std::string_view account,
                                                    std::string_view path, std::string_view query);
/// The same with names in lower case and values without escapes.
[[nodiscard]] std::string shared_key_string_to_sign(const HttpCall& call, std::string_view account,
                                                    std::string_view path,
                                                    std::vector<NamedValue> parameters);

}  // namespace blobvalet
