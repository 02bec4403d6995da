#include "core/audit_trail.hpp"

namespace blobvalet {

void AuditTrail::note(Event& event, const SasGrant& grant, const IssuedSas& sas) {
  GivenSas& given = event.given.emplace();
  given.permissions = grant.permissions();
  given.start = sas.start;
  given.expiry = sas.expiry;
  given.lifetime = grant.lifetime();
  given.ip = grant.ip();
  given.is_bound = grant.declared_put().has_value();
  if (sas.expiry < grant.expiry()) event.cut_short = grant.expiry() - sas.expiry;
  if (!hashes_) return;
  hash_ = sha256_digits({sas.signature.data(), sas.signature.size()});
  given.signature_sha256 = {hash_.data(), hash_.size()};
}

}  // namespace blobvalet
