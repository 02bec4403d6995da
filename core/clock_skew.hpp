#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "core/http_client.hpp"
#include "core/ports.hpp"

namespace blobvalet {

/// How far `clock` is ahead of the clock of the storage service at `account_url`, give or take a second and
/// half the time that the answer takes; negative: behind. Any answer tells, also a refusal, so no credential
/// is sent. Nothing if there is no answer within a few seconds, or one without a date.
[[nodiscard]] std::optional<std::chrono::seconds> measure_clock_skew(Http& http, const Clock& clock,
                                                                     const std::string& account_url,
                                                                     const std::string& ca_file);

/// The same as an answer tells that was asked for at `before` and came at `after`.
[[nodiscard]] std::optional<std::chrono::seconds> clock_skew_in(const HttpAnswer& answer, UtcSeconds before,
                                                                UtcSeconds after);

}  // namespace blobvalet
