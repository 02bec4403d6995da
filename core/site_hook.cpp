#include "core/site_hook.hpp"

#include <algorithm>

namespace blobvalet {
namespace {

StaticText describe(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::unreachable: return "the application cannot be reached";
    case HttpFailure::timed_out: return "the application did not answer in time";
    case HttpFailure::untrusted: return "the application's certificate is not trusted";
    case HttpFailure::too_large: return "the application's answer is too large";
    case HttpFailure::malformed: return "the application does not speak HTTP";
  }
  return "";
}

bool is_success(int status) {
  return status >= 200 && status <= 299;
}

/// What FastCGI brought may hold anything; a header may not.
bool is_header_value(std::string_view value) {
  return std::ranges::none_of(value, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

}  // namespace

HttpRetry::Outcome HookClient::post(std::string_view body, std::span<const NamedValue> headers,
                                    unsigned retries) {
  HttpCall call;
  call.method = "POST";
  call.url = options_.url;
  call.unix_socket = options_.unix_socket;
  call.ca_file = options_.ca_file;
  call.body = body;
  call.connect_timeout = options_.connect_timeout;
  call.timeout = options_.timeout;
  call.headers = {"Content-Type: application/json", "Accept: application/json",
                  "Blobvalet-Signature: " + hook_signature(signature_, clock_.now(), body)};
  for (const NamedValue& header : headers) {
    const bool wanted =
        std::ranges::find(options_.forward_headers, header.name) != options_.forward_headers.end();
    if (!wanted || !is_header_value(header.value)) continue;
    call.headers.push_back(std::string(header.name).append(": ").append(header.value));
  }
  return sender_.send(call, timer_.now() + options_.timeout, retries);
}

HookVerdict judge(const HttpRetry::Outcome& outcome, bool with_properties) {
  using Kind = HookVerdict::Kind;
  if (!outcome) return {Kind::unavailable, {}, 0, std::string(describe(outcome.error()).view())};
  const int status = outcome->status;
  if (status == 204) return {Kind::accepted, {}, status};
  auto answer = HookAnswer::parse(outcome->body, with_properties);
  if (is_success(status)) {
    if (!answer) return {Kind::unavailable, {}, status, "the application's answer is not a JSON object"};
    const Kind kind = answer->success ? Kind::accepted : Kind::refused;
    return {kind, std::move(*answer), status};
  }
  const bool refuses = status >= 400 && status <= 499 && !is_transient(status);
  if (refuses) return {Kind::refused, std::move(answer).value_or(HookAnswer{}), status};
  HookVerdict verdict{Kind::unavailable, {}, status, "the application answered with an error"};
  if (answer) verdict.answer.error = std::move(answer->error);
  return verdict;
}

std::optional<std::string> deliver(HookClient& client, std::string_view body) {
  // Whoever delivers tries again itself, later.
  const auto outcome = client.post(body, {}, 0);
  if (!outcome) return std::string(describe(outcome.error()).view());
  if (is_success(outcome->status)) return std::nullopt;
  return "the application answered " + std::to_string(outcome->status);
}

}  // namespace blobvalet
