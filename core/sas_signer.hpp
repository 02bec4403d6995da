#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "core/hmac.hpp"
#include "core/policy.hpp"
#include "core/signing_key.hpp"

namespace blobvalet {

/// What the log may know of a SAS that was made, and its signature, which it may not.
struct IssuedSas {
  UtcSeconds expiry{};               ///< se
  std::optional<UtcSeconds> start;   ///< st
  std::array<char, 44> signature{};  ///< in base64, before it is percent-encoded
};

/// Turns grants into SAS URIs with one key. Its buffers are kept from one signature to the next, so it is not
/// for use by two threads at once.
class SasSigner {
 public:
  /// `key` is shared with whoever loaded it and outlives its replacement.
  explicit SasSigner(std::shared_ptr<const SigningKey> key);

  /// Appends the blob's URI with its SAS: `https://host/container/name?sv=...&sig=...`. Only a grant can be
  /// signed, and only the policy makes grants. The text is exactly encoded, has one `?` and no `#`: the
  /// client appends `&comp=block&blockid=...` to it.
  ///
  /// Returns what was made. A SAS never lasts longer than a user delegation key, which Azure would
  /// refuse, nor does it start before it. Throws std::logic_error for a grant that lacks its binding, and for
  /// a bound one with an account key or a version before 2026-04-06: our own mistakes.
  IssuedSas append_sas_uri(std::string& out, const SasGrant& grant);

  /// Appends the container's URI with a SAS that can list it: `https://host/container?sv=...&sig=...`. It is
  /// for five minutes and for blobvalet itself. It must never leave: a SAS cannot be confined to the grant's
  /// prefix, so it shows the whole container.
  IssuedSas append_list_uri(std::string& out, const ListGrant& grant, UtcSeconds now);

  [[nodiscard]] const SigningKey& key() const { return *key_; }

 private:
  friend class SasVectorCheck;  // compares golden vectors; it never returns what it signed
  void check_binding(const SasGrant& grant) const;
  HmacSha256::Digest sign(const SasFields& fields);
  std::array<char, 44> append_query(std::string& out, const SasFields& fields);

  std::shared_ptr<const SigningKey> key_;
  std::optional<DelegationKeyFields> delegation_;  ///< views into *key_; nothing for an account key
  HmacSha256 hmac_;
  std::string string_to_sign_;
};

}  // namespace blobvalet
