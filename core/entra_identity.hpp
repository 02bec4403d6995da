#pragma once
#include <memory>
#include <string>

#include "core/access_token.hpp"

namespace blobvalet {

/// An application registration in Entra, complete.
struct EntraApplication {
  std::string tenant_id;
  std::string client_id;
  std::string authority_host;  ///< empty: `https://login.microsoftonline.com`
  std::string ca_file;         ///< see IdentityOptions
};

/// Tokens for the client secret of an application ("OAuth 2.0 client credentials flow", learn.microsoft.com).
/// Asked again only after 429, 5xx or no answer, at 0, 1, 3 and 7 seconds. Errors, all final: a tenant that
/// is neither a GUID nor a domain, an authority that is not https (or http at this machine itself).
[[nodiscard]] tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure> client_secret_identity(
    EntraApplication application, std::shared_ptr<const SecretBytes> secret, IdentityPorts ports);

/// The same for a token that somebody else signed, in place of a secret ("workload identity federation"). It
/// is read from `token_file` for each exchange, because it is renewed there.
[[nodiscard]] tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure> workload_identity(
    EntraApplication application, std::string token_file, IdentityPorts ports);

}  // namespace blobvalet
