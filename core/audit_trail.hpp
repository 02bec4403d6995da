#pragma once
#include <array>
#include <memory>
#include <string_view>

#include "core/access_event.hpp"
#include "core/policy.hpp"
#include "core/sas_signer.hpp"
#include "core/sha256.hpp"

namespace blobvalet {

/// The SHA-256 by which Azure's storage log names a SAS: of the signature as it stands in `sig`, without the
/// URL's escapes but still in base64 (`SasSignature(...)` in `AuthenticationHash`; "Best practices for
/// monitoring Azure Blob Storage", learn.microsoft.com). 64 digits in lower case; the log has them in upper.
using SignatureHash = std::array<char, 64>;

/// Takes down what a SAS that is given away allows, so that the log can say who got it. Not for use by two
/// threads at once.
class AuditTrail {
 public:
  /// Without `hashes` the log does not say which SAS it was.
  explicit AuditTrail(bool hashes) : hashes_(hashes) {}

  /// Notes that `sas`, made for `grant`, is in the answer. The event's views end with the grant's and with
  /// the next call.
  void note(Event& event, const SasGrant& grant, const IssuedSas& sas);

 private:
  bool hashes_;
  SignatureHash hash_{};
};

}  // namespace blobvalet
