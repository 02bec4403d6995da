#include "core/clock_skew.hpp"

#include "core/http_date.hpp"

namespace blobvalet {

std::optional<std::chrono::seconds> measure_clock_skew(Http& http, const Clock& clock,
                                                       const std::string& account_url,
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
  return answer ? clock_skew_in(*answer, before, after) : std::nullopt;
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
