#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "core/http_client.hpp"
#include "core/ports.hpp"
#include "core/static_text.hpp"

namespace blobvalet {

/// What one request to a storage account tells, without any credential.
struct AccountAnswer {
  /// How far the clock is ahead of the service's, give or take a second and half the time that the answer
  /// took; negative: behind. Nothing: no answer within a few seconds, or one without a date.
  std::optional<std::chrono::seconds> clock_skew;
  std::string failure;  ///< why the account cannot be reached, for operators; empty: it can
};

/// Asks the storage service at `account_url`. Any answer tells the time, also a refusal; one of 500 and above
/// says that the service fails.
[[nodiscard]] AccountAnswer ask_account(Http& http, const Clock& clock, const std::string& account_url,
                                        const std::string& ca_file);

/// The skew as an answer tells that was asked for at `before` and came at `after`.
[[nodiscard]] std::optional<std::chrono::seconds> clock_skew_in(const HttpAnswer& answer, UtcSeconds before,
                                                                UtcSeconds after);

}  // namespace blobvalet
