#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/config.hpp"
#include "core/http_client.hpp"
#include "core/ports.hpp"
#include "core/signing_key.hpp"

namespace blobvalet {

/// Whether Azure takes what a key has signed.
struct KeyVerdict {
  enum class Kind : std::uint8_t {
    works,
    wrong,    ///< the account has other keys
    refused,  ///< the key may be right, but the account's settings or its rights say no
    unknown,  ///< nobody could be asked
  };
  Kind kind = Kind::unknown;
  std::string reason;  ///< for operators; empty: it works
  /// As the answer tells, see clock_skew_in().
  std::optional<std::chrono::seconds> clock_skew = std::nullopt;
};

/// `works`, `wrong`, `refused` or `unknown`.
[[nodiscard]] std::string_view name_of(KeyVerdict::Kind kind);

/// Asks Azure whether keys work, by requests that change nothing. Not for use by two threads at once; blocks
/// for ten seconds at most.
class KeyProbe {
 public:
  /// Both outlive it.
  KeyProbe(Http& http, const Clock& clock) : http_(http), clock_(clock) {}

  /// An account key asks for the kind of the account (Get Account Information), which any account key may and
  /// which has the shortest answer. A user delegation key can only sign SAS: it looks for a blob that is not
  /// there, in a container of the account's first rule.
  [[nodiscard]] KeyVerdict ask(const Config& config, std::size_t account, const SigningKey& key);

 private:
  [[nodiscard]] KeyVerdict send(HttpCall& call, bool (*accepts)(const HttpAnswer&));

  Http& http_;
  const Clock& clock_;
};

}  // namespace blobvalet
