#pragma once
#include "core/access_token.hpp"
#include "tests/unit/support.hpp"

namespace blobvalet::testing {

/// All that identities ask of the world, faked. It is 2026-03-01T12:00:00Z.
struct IdentityBench {
  using Outcome = FakeHttp::Outcome;

  FakeClock clock;
  FakeTimer timer;
  FakeHttp http{timer};
  FakeSecretFiles files;
  IdentityPorts ports{http, timer, clock, files};

  /// The waits in milliseconds: `2000 4000`. Each call takes one millisecond.
  [[nodiscard]] std::string waits() const {
    std::string text;
    for (const auto wait : timer.waits)
      text.append(text.empty() ? "" : " ").append(std::to_string(wait.count()));
    return text;
  }
  /// Method and URL, headers, an empty line and the body of a call.
  [[nodiscard]] std::string sent(std::size_t index = 0) const {
    BOOST_REQUIRE_GT(http.calls.size(), index);
    const HttpCall& call = http.calls[index];
    std::string text = call.method + " " + call.url + "\n";
    for (const std::string& header : call.headers)
      text.append(header).append("\n");
    return text.append("\n").append(call.body);
  }
};

inline FakeHttp::Outcome failed(HttpFailure reason) {
  return tl::unexpected(reason);
}

inline HttpAnswer token_answer(std::string_view text = "token", std::string_view life = "86400") {
  return http_answer(200, {},
                     R"({"access_token": ")" + std::string(text) +
                         R"(", "token_type": "Bearer", "expires_in": )" + std::string(life) + "}");
}

/// `final: reason`, or `later: reason`, with what else is said.
inline std::string show(const IdentityFailure& failure) {
  std::string text(failure.is_final ? "final: " : "later: ");
  text.append(failure.reason);
  if (failure.is_unauthorized) text.append(" | unauthorized");
  if (failure.retry_after.count() != 0)
    text.append(" | in " + std::to_string(failure.retry_after.count()) + " s");
  return text;
}
inline std::string show(const tl::expected<AccessToken, IdentityFailure>& token) {
  return token ? std::string(reveal_text(token->text)) : show(token.error());
}

/// What fetching a token ends with.
inline std::string fetched(const tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure>& fetcher) {
  return fetcher ? show((*fetcher)->fetch()) : show(fetcher.error());
}

}  // namespace blobvalet::testing
