#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/sas_fields.hpp"
#include "core/secret.hpp"
#include "core/utc_time.hpp"

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
  UtcSeconds not_before{};  ///< `start`; a SAS is valid no earlier
  UtcSeconds not_after{};   ///< `expiry`; nor any longer

  [[nodiscard]] DelegationKeyFields fields() const {
    return {object_id, tenant_id, start, expiry, service, version, user_tenant_id};
  }
};

/// Either key signs a SAS; which one decides the kind of SAS.
using SigningKey = std::variant<AccountKey, UserDelegationKey>;

/// The secret of either.
[[nodiscard]] const SecretBytes& secret_of(const SigningKey& key);

/// Tells keys apart without showing them: the first eight bytes of the secret's SHA-256. A key is random, so
/// nobody gets from there to it.
class KeyFingerprint {
 public:
  explicit KeyFingerprint(const SigningKey& key);
  [[nodiscard]] std::uint64_t number() const { return number_; }
  /// In 16 hexadecimal digits.
  [[nodiscard]] std::string text() const;
  bool operator==(const KeyFingerprint&) const = default;

 private:
  std::uint64_t number_ = 0;
};

}  // namespace blobvalet
