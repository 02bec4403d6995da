#pragma once
#include "core/http_client.hpp"
#include "core/result.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

// Why one of our own requests to an account has failed, as the client is told (`what`) and as the log says.
// Errors: azure_unavailable (no answer, too slow, throttled), azure_refused (it does not take our credential,
// or not our question).

/// Nobody has answered.
[[nodiscard]] Error no_azure_answer(HttpFailure failure, StaticText what);

/// The answer is none of those hoped for. What it asks to wait, but no more than a person would, is the
/// refusal's `Retry-After`.
[[nodiscard]] Error unexpected_azure_answer(const HttpAnswer& answer, UtcSeconds now, StaticText what);

}  // namespace blobvalet
