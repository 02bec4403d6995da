#pragma once
#include <memory>
#include <string>

#include "core/access_token.hpp"

namespace blobvalet {

/// The identity that Azure gives to a machine (Instance Metadata Service), to an App Service, Function or
/// Container App, or to a server of Azure Arc: `environment` tells which. Errors, all final: an endpoint that
/// is no URL, an identity that the service cannot choose.
///
/// All follow "Managed identities for Azure resources: use an access token", learn.microsoft.com, and the
/// SDKs: an Azure machine is asked at 0, 2, 6, 14 and 30 seconds if it answers 404, 410, 429, 5xx or not at
/// all, and after 410 until 70 seconds have passed; the others likewise, but not after 404 and 410.
[[nodiscard]] tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure> managed_identity(
    const IdentityOptions& options, const IdentityEnvironment& environment, IdentityPorts ports);

}  // namespace blobvalet
