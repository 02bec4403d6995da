#include "core/clock_skew.hpp"

#include "core/http_date.hpp"

namespace blobvalet {

namespace {

std::string describe(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::unreachable: return "cannot be reached";
    case HttpFailure::timed_out: return "does not answer in time";
    case HttpFailure::untrusted: return "its certificate is not trusted";
    case HttpFailure::too_large:
    case HttpFailure::malformed: return "does not answer as Azure does";
  }
  return {};
}

}  // namespace

AccountAnswer ask_account(Http& http, const Clock& clock, const std::string& account_url,
                          const std::string& ca_file) {
  using std::chrono::seconds;
  HttpCall call;
  call.method = "HEAD";
  call.url = account_url + "/?comp=list";
  call.ca_file = ca_file;
  call.timeout = seconds(3);
  const UtcSeconds before = clock.now();
  const auto answer = http.send(call);
  const UtcSeconds after = clock.now();
  if (!answer) return {std::nullopt, describe(answer.error())};
  constexpr int kFirstServerError = 500;
  const bool fails = answer->status >= kFirstServerError;
  return {clock_skew_in(*answer, before, after),
          fails ? "answers with HTTP status " + std::to_string(answer->status) : std::string()};
}

std::optional<std::chrono::seconds> clock_skew_in(const HttpAnswer& answer, UtcSeconds before,
                                                  UtcSeconds after) {
  // A clock that was set meanwhile has no middle.
  if (after < before || after - before > std::chrono::seconds(10)) return std::nullopt;
  const auto date = parse_http_date(answer.header("date"));
  if (!date) return std::nullopt;
  return before + (after - before) / 2 - *date;
}

}  // namespace blobvalet
