#include "core/azure_error_code.hpp"

#include <algorithm>
#include <array>

namespace blobvalet {

std::optional<StaticText> known_error_code(const HttpAnswer& answer) {
  static constexpr std::array<StaticText, 27> kCodes{
      "AccountIsDisabled",
      "AuthenticationFailed",
      "AuthorizationFailure",
      "AuthorizationPermissionMismatch",
      "AuthorizationProtocolMismatch",
      "AuthorizationResourceTypeMismatch",
      "AuthorizationServiceMismatch",
      "AuthorizationSourceIPMismatch",
      "BlobArchived",
      "BlobImmutableDueToPolicy",
      "ContainerBeingDeleted",
      "ContainerNotFound",
      "CorsPreflightFailure",
      "FeatureVersionMismatch",
      "InsufficientAccountPermissions",
      "InvalidAuthenticationInfo",
      "InvalidHeaderValue",
      "InvalidQueryParameterValue",
      "InvalidResourceName",
      "InvalidXmlDocument",
      "InvalidXmlNodeValue",
      "KeyBasedAuthenticationNotPermitted",
      "LeaseIdMissing",
      "NoAuthenticationInformation",
      "OutOfRangeInput",
      "ResourceNotFound",
      "SnapshotsPresent",
  };
  const auto found = std::ranges::find(kCodes, answer.header("x-ms-error-code"), &StaticText::view);
  return found == kCodes.end() ? std::nullopt : std::optional(*found);
}

}  // namespace blobvalet
