#pragma once
#include <memory>
#include <optional>
#include <tl/expected.hpp>

#include "core/http_client.hpp"
#include "core/identity_failure.hpp"
#include "core/identity_options.hpp"
#include "core/ports.hpp"

namespace blobvalet {

/// A bearer token for the storage service.
struct AccessToken {
  SecretBytes text;       ///< printable ASCII without blanks, as it goes into a header
  UtcSeconds expiry;      ///< not usable from then on
  UtcSeconds refresh_at;  ///< when to get the next: from half its life on if that is at least 2 hours, else
                          ///< 5 minutes early (at half its life if that is less), or when its issuer says
};

/// What fetching tokens asks of the world. All of them outlive whoever is given them.
struct IdentityPorts {
  Http& http;
  Timer& timer;
  const Clock& clock;
  SecretFiles& files;
};

/// One place where tokens come from.
class TokenFetcher {
 public:
  TokenFetcher() = default;
  TokenFetcher(const TokenFetcher&) = delete;
  TokenFetcher& operator=(const TokenFetcher&) = delete;
  virtual ~TokenFetcher() = default;
  /// A new token. Tries again, waiting up to about a minute in all, while that may help.
  [[nodiscard]] virtual tl::expected<AccessToken, IdentityFailure> fetch() = 0;
};

/// The bearer token of an identity, fetched when needed and kept while it is good. Not for use by two threads
/// at once; blocks for up to a minute or two while nobody answers.
class TokenSource {
 public:
  /// Of the default chain, the first identity that is set up decides, once and for all. `client_secret` is
  /// the configured one, and may be null. The ports outlive it.
  TokenSource(const IdentityOptions& options, const IdentityEnvironment& environment,
              const std::shared_ptr<const SecretBytes>& client_secret, IdentityPorts ports);

  /// The token, which stays the same until the next call. If a new one is due but cannot be had, the old one
  /// serves until it expires, and it is a minute (or as long as the service asks) until the next attempt.
  [[nodiscard]] tl::expected<const AccessToken*, IdentityFailure> token();
  /// Drops the token, because the service does not take it.
  void forget() { token_.reset(); }
  /// Why the last attempt failed; nothing if it did not.
  [[nodiscard]] const std::optional<IdentityFailure>& failure() const { return failure_; }

 private:
  void refresh();

  const Clock& clock_;
  tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure> fetcher_;
  std::optional<AccessToken> token_;
  std::optional<IdentityFailure> failure_;
};

/// Where the tokens of this identity come from. Errors, all final: something is missing, or not what it has
/// to be. `client_secret` may be null.
[[nodiscard]] tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure> token_fetcher(
    const IdentityOptions& options, const IdentityEnvironment& environment,
    const std::shared_ptr<const SecretBytes>& client_secret, IdentityPorts ports);

}  // namespace blobvalet
