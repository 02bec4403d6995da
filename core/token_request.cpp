#include "core/token_request.hpp"

#include <algorithm>

#include "core/http_date.hpp"
#include "core/http_retry.hpp"
#include "core/token_answer.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

using std::chrono::milliseconds;

constexpr int kGone = 410;

/// True if this outcome leaves hope for another try.
bool may_help(const TokenRequest::Outcome& outcome, const RetryPlan& plan) {
  if (outcome) return plan.is_transient(outcome->status);
  return outcome.error() == HttpFailure::unreachable || outcome.error() == HttpFailure::timed_out;
}

/// How long the service asks us to wait; 0: it does not.
milliseconds asked_wait(const TokenRequest::Outcome& outcome, UtcSeconds now) {
  return outcome ? retry_after(*outcome, now).value_or(milliseconds(0)) : milliseconds(0);
}

IdentityFailure refusal(HttpAnswer& answer, const RetryPlan& plan, std::string_view who,
                        std::string_view secret) {
  IdentityFailure failure;
  failure.is_final = !plan.is_transient(answer.status);
  failure.reason.append(who).append(" answered ").append(std::to_string(answer.status));
  const std::string text = refusal_text(answer.body, secret);
  if (!text.empty()) failure.reason.append(": ").append(text);
  // RFC 6749 has no status for this; Entra says it with 400, too.
  if (text.starts_with("temporarily_unavailable")) failure.is_final = false;
  return failure;
}

}  // namespace

TokenRequest::Outcome TokenRequest::send(HttpCall& call, const RetryPlan& plan) {
  const Timer::Time begin = ports_.timer.now();
  for (std::size_t retry = 0;; ++retry) {
    Outcome outcome = ports_.http.send(call);
    const auto wait = wait_before(retry, outcome, plan, begin);
    if (!wait) return outcome;
    ports_.timer.sleep_for(*wait);
    call.connect_timeout = plan.later_connect_timeout;
  }
}

std::optional<milliseconds> TokenRequest::wait_before(std::size_t retry, const Outcome& outcome,
                                                      const RetryPlan& plan, Timer::Time begin) const {
  if (!may_help(outcome, plan)) return std::nullopt;
  const auto spent = std::chrono::floor<milliseconds>(ports_.timer.now() - begin);
  const bool is_updating = outcome && outcome->status == kGone && spent < plan.update_time;
  if (retry >= plan.waits.size() && !is_updating) return std::nullopt;
  milliseconds wait = plan.waits[std::min(retry, plan.waits.size() - 1)];
  // The last try is when the update is over, and not before.
  if (is_updating) wait = std::min(wait, plan.update_time - spent);
  const milliseconds asked = asked_wait(outcome, ports_.clock.now());
  if (asked <= wait) return wait;
  return asked <= plan.longest - spent ? std::optional(asked) : std::nullopt;
}

tl::expected<AccessToken, IdentityFailure> TokenRequest::judge(Outcome outcome, const RetryPlan& plan,
                                                               std::string_view who,
                                                               std::string_view secret) {
  if (!outcome) return tl::unexpected(no_answer(who, outcome.error()));
  const Wiper wiper(*outcome);
  const UtcSeconds now = ports_.clock.now();
  IdentityFailure failure;
  if (outcome->status == 200) {
    auto token = read_token(outcome->body, now);
    if (token) return std::move(*token);
    failure.reason.append(who).append(" ").append(token.error().view());
  } else {
    failure = refusal(*outcome, plan, who, secret);
    const auto wait = retry_after(*outcome, now).value_or(milliseconds(0));
    failure.retry_after = std::chrono::ceil<std::chrono::seconds>(wait);
  }
  failure.server_time = parse_http_date(outcome->header("date"));
  return tl::unexpected(std::move(failure));
}

bool is_throttled_or_failed(int status) {
  return status == 429 || status >= 500;
}

void add_secret_header(HttpCall& call, std::string_view name_and_colon, std::string_view secret) {
  std::string& header = call.headers.emplace_back();
  header.reserve(name_and_colon.size() + secret.size());
  header.append(name_and_colon).append(secret);
}

tl::unexpected<IdentityFailure> misconfigured(std::string reason) {
  return tl::unexpected(IdentityFailure{std::move(reason), true});
}

}  // namespace blobvalet
