#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/sas_fields.hpp"
#include "core/secret.hpp"

namespace blobvalet {

/// A storage account key.
class AccountKey {
 public:
  /// The key as the portal shows it: base64, white space at both ends ignored. Nothing if it is no strict
  /// base64 or holds fewer than 16 bytes (Azure's keys hold 64; a short text is a mistake, never a key).
  [[nodiscard]] static std::optional<AccountKey> parse(std::string_view base64);
  [[nodiscard]] const SecretBytes& bytes() const { return bytes_; }

 private:
  explicit AccountKey(SecretBytes bytes) : bytes_(std::move(bytes)) {}
  SecretBytes bytes_;
};

/// A user delegation key, as Get User Delegation Key returns it.
struct UserDelegationKey {
  std::string object_id;
  std::string tenant_id;
  std::string start;
  std::string expiry;
  std::string service;
  std::string version;
  std::string user_tenant_id;
  SecretBytes value;

  [[nodiscard]] DelegationKeyFields fields() const {
    return {object_id, tenant_id, start, expiry, service, version, user_tenant_id};
  }
};

/// Either key signs a SAS; which one decides the kind of SAS.
using SigningKey = std::variant<AccountKey, UserDelegationKey>;

}  // namespace blobvalet
