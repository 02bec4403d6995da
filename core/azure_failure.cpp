#include "core/azure_failure.hpp"

#include <algorithm>

#include "core/azure_error_code.hpp"
#include "core/http_retry.hpp"

namespace blobvalet {
namespace {

Error unavailable(StaticText what, StaticText log_reason) {
  return {Errc::azure_unavailable, "", what, log_reason};
}

Error refused(StaticText what, StaticText log_reason) {
  return {Errc::azure_refused, "", what, log_reason};
}

}  // namespace

Error no_azure_answer(HttpFailure failure, StaticText what) {
  switch (failure) {
    case HttpFailure::unreachable: return unavailable(what, "Azure cannot be reached");
    case HttpFailure::timed_out: return unavailable(what, "Azure did not answer in time");
    case HttpFailure::untrusted:
      return refused(what, "the certificate of the account's endpoint is not trusted");
    case HttpFailure::too_large: return refused(what, "the endpoint's answer is too large");
    case HttpFailure::malformed: break;
  }
  return refused(what, "the endpoint does not speak HTTP");
}

Error unexpected_azure_answer(const HttpAnswer& answer, UtcSeconds now, StaticText what) {
  if (!is_transient(answer.status)) {
    return refused(what, known_error_code(answer).value_or(StaticText("Azure refused our request")));
  }
  const bool is_throttling = answer.status == 429 || answer.status == 503;
  Error error = unavailable(
      what, is_throttling ? StaticText("Azure is throttling us") : StaticText("Azure has failed"));
  if (const auto wait = retry_after(answer, now)) {
    using std::chrono::seconds;
    error.retry_after = std::clamp(std::chrono::ceil<seconds>(*wait), seconds(1), seconds(60));
  }
  return error;
}

}  // namespace blobvalet
