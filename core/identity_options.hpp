#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/key_source.hpp"
#include "core/secret.hpp"

namespace blobvalet {

/// Who fetches user delegation keys for an account, so that no account key is needed: a Microsoft Entra
/// identity, as `accounts[].credential` describes it.
struct IdentityOptions {
  enum class Kind : std::uint8_t {
    managed_identity,   ///< of an Azure machine, an App Service or an Arc server
    workload_identity,  ///< a token that somebody else (Kubernetes, GitHub, ...) signed, exchanged at Entra
    client_secret,      ///< an application registration and its secret
    default_chain,      ///< the first that is set up: client secret, workload identity, managed identity
  };
  /// How a user-assigned managed identity is named; `system`: it is the machine's own.
  enum class IdKind : std::uint8_t { system, client_id, object_id, resource_id };

  Kind kind = Kind::managed_identity;
  IdKind id_kind = IdKind::system;
  std::string id;  ///< of a managed identity; empty for `system`

  // Of workload identity and client secret; what is empty comes from the environment.
  std::string tenant_id;
  std::string client_id;
  std::string authority_host;              ///< such as `https://login.microsoftonline.com`
  std::string token_file;                  ///< the federated token
  std::optional<KeySource> client_secret;  ///< where the secret is

  std::string ca_file;  ///< certificates to trust in place of the system's, for the authority; empty: those
  std::chrono::seconds key_lifetime{std::chrono::hours(72)};  ///< of a user delegation key; at most 7 days
};

/// What the environment says of identities: the variables that the Azure SDKs read. Read by whoever has an
/// environment, since core has none. Texts are empty, and secrets null, if the variable is not set.
struct IdentityEnvironment {
  std::string tenant_id;             ///< AZURE_TENANT_ID
  std::string client_id;             ///< AZURE_CLIENT_ID
  std::string authority_host;        ///< AZURE_AUTHORITY_HOST
  std::string federated_token_file;  ///< AZURE_FEDERATED_TOKEN_FILE
  std::string identity_endpoint;     ///< IDENTITY_ENDPOINT (App Service, Arc)
  std::string imds_endpoint;         ///< IMDS_ENDPOINT (Arc)
  std::string pod_identity_host;     ///< AZURE_POD_IDENTITY_AUTHORITY_HOST, in place of IMDS's own address
  std::shared_ptr<const SecretBytes> client_secret;    ///< AZURE_CLIENT_SECRET
  std::shared_ptr<const SecretBytes> identity_header;  ///< IDENTITY_HEADER
};

}  // namespace blobvalet
