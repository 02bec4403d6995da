#pragma once
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/app.hpp"
#include "core/config.hpp"
#include "core/ports.hpp"
#include "core/result.hpp"
#include "core/site.hpp"

namespace blobvalet::testing {

/// The account key that every storage emulator has ("Use the Azurite emulator", learn.microsoft.com).
inline constexpr std::string_view kDevelopmentKey =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// The instant of `2026-03-01T12:00:00Z`.
inline UtcSeconds at(std::string_view text) {
  const auto time = parse_utc(text);
  BOOST_REQUIRE_MESSAGE(time.has_value(), "no time: " << text);
  return *time;
}

class FakeClock final : public Clock {
 public:
  [[nodiscard]] UtcSeconds now() const override { return time; }
  UtcSeconds time = at("2026-03-01T12:00:00Z");
};

/// Time that passes only when somebody waits.
class FakeTimer final : public Timer {
 public:
  [[nodiscard]] Time now() const override { return time; }
  void sleep_for(std::chrono::milliseconds duration) override {
    time += duration;
    waits.push_back(duration);
  }
  Time time{std::chrono::hours(1)};
  std::vector<std::chrono::milliseconds> waits;
};

/// Plays Azure and the application: gives the prepared answers in their order, and the last one for ever.
class FakeHttp final : public Http {
 public:
  using Outcome = tl::expected<HttpAnswer, HttpFailure>;

  explicit FakeHttp(FakeTimer& timer) : timer_(timer) {}
  [[nodiscard]] Outcome send(const HttpCall& call) override {
    calls.push_back(call);
    BOOST_REQUIRE_MESSAGE(!answers.empty(), "no answer prepared for " << call.method << " " << call.url);
    const Outcome answer = answers.front();
    if (answers.size() > 1) answers.erase(answers.begin());
    const bool hangs = !answer && answer.error() == HttpFailure::timed_out;
    timer_.time += hangs ? call.timeout : std::chrono::milliseconds(1);
    return answer;
  }
  /// `PUT http://...` of each call, without the SAS.
  [[nodiscard]] std::string asked() const {
    std::string text;
    for (const HttpCall& call : calls)
      text.append(call.method).append(" ").append(call.url.substr(0, call.url.find('?'))).append("\n");
    return text;
  }
  std::vector<Outcome> answers;
  std::vector<HttpCall> calls;

 private:
  FakeTimer& timer_;
};

inline HttpAnswer http_answer(int status, std::vector<std::pair<std::string, std::string>> headers = {},
                              std::string body = {}) {
  return {status, std::move(headers), std::move(body)};
}

/// What Azure says of a small picture.
inline HttpAnswer stored_blob(std::vector<std::pair<std::string, std::string>> changes = {}) {
  HttpAnswer answer = http_answer(200, {{"content-length", "5"},
                                        {"content-type", "image/png"},
                                        {"x-ms-blob-type", "BlockBlob"},
                                        {"etag", "\"0x8D1\""},
                                        {"last-modified", "Sun, 01 Mar 2026 11:59:58 GMT"}});
  for (const auto& change : changes) {
    std::erase_if(answer.headers, [&](const auto& header) { return header.first == change.first; });
    if (!change.second.empty()) answer.headers.push_back(change);
  }
  return answer;
}

class FakeMagicNumbers final : public MagicNumbers {
 public:
  [[nodiscard]] std::string media_type(std::string_view bytes) override {
    seen = bytes;
    return type;
  }
  std::string type = "image/png";
  std::string seen;
};

class FakeSecretFiles final : public SecretFiles {
 public:
  [[nodiscard]] std::optional<SecretBytes> read(const std::string& path) override;
  std::string path;  ///< the one file that there is
  std::string text;
};

class FakeRefusals final : public RefusalMemory {
 public:
  void remember(std::string_view upload, Errc errc) override { known[std::string(upload)] = errc; }
  [[nodiscard]] std::optional<Errc> recall(std::string_view upload) override {
    const auto found = known.find(std::string(upload));
    return found == known.end() ? std::nullopt : std::optional(found->second);
  }
  std::map<std::string, Errc> known;
};

/// Keeps events in memory; `failure` makes it fail.
class FakeEventStore final : public EventStore {
 public:
  void append(const NewEvent& event, UtcSeconds /*now*/) override {
    if (!failure.empty()) throw EventStoreError(failure);
    events.push_back(event);
  }
  [[nodiscard]] bool lead() override { return false; }
  [[nodiscard]] std::vector<StoredEvent> due(UtcSeconds /*now*/, std::size_t /*limit*/) override {
    return {};
  }
  void delivered(const StoredEvent& /*event*/) override {}
  void postpone(const StoredEvent& /*event*/, UtcSeconds /*next*/, std::string_view /*error*/) override {}
  void bury(const StoredEvent& /*event*/, std::string_view /*error*/) override {}
  [[nodiscard]] std::vector<StoredEvent> list() override { return {}; }
  [[nodiscard]] EventCounts counts() override { return {}; }
  bool retry(std::string_view /*id*/, UtcSeconds /*now*/) override { return false; }
  bool drop(std::string_view /*id*/) override { return false; }
  std::vector<NewEvent> events;
  std::string failure;
};

/// All that callbacks need, faked.
struct FakePorts {
  FakeTimer timer;
  FakeHttp http{timer};
  FakeMagicNumbers magic_numbers;
  FakeSecretFiles secret_files;
  FakeRefusals refusals;
  FakeEventStore events;
  unsigned stored = 0;
  CallbackPorts ports{http, timer, magic_numbers, secret_files, refusals, &events, [this] { ++stored; }};
};

inline SecretBytes secret(std::string_view bytes) {
  SecretBytes result(bytes.size());
  std::copy(bytes.begin(), bytes.end(), result.reveal_mutable().begin());
  return result;
}

inline std::optional<SecretBytes> FakeSecretFiles::read(const std::string& wanted) {
  if (wanted != path) return std::nullopt;
  return secret(text);
}

/// The hook's secret in every test.
inline constexpr std::string_view kHookSecret = "a secret of the tests";

inline std::shared_ptr<const SigningKey> account_key(std::string_view base64 = kDevelopmentKey) {
  auto key = AccountKey::parse(base64);
  BOOST_REQUIRE(key.has_value());
  return std::make_shared<const SigningKey>(std::move(*key));
}

inline Config config_from(std::string_view json) {
  auto config = Config::parse(json);
  if (!config) {
    for (const ConfigFault& fault : config.error())
      BOOST_ERROR(fault.text());
    BOOST_FAIL("the test's configuration is faulty");
  }
  return std::move(*config);
}

/// The site of a configuration, every key of which is the development key.
inline std::shared_ptr<const Site> site_from(std::string_view json) {
  Config config = config_from(json);
  std::vector<AccountKeys> keys(config.accounts.size(), AccountKeys{account_key(), account_key()});
  return std::make_shared<const Site>(std::move(config), std::move(keys),
                                      std::make_shared<const SecretBytes>(secret(kHookSecret)));
}

/// `ok`, or the refusal's stable code.
template <class T>
std::string_view code_of(const Result<T>& result) {
  return result ? "ok" : error_row(result.error().errc).code.view();
}

/// `ok`, or all of the refusal: `code | field | what | log reason`.
inline std::string show(const Error& error) {
  std::string text(error_row(error.errc).code.view());
  for (const StaticText part : {error.field, error.what, error.log_reason})
    text.append(" | ").append(part.view());
  return text;
}
template <class T>
std::string show(const Result<T>& result) {
  return result ? "ok" : show(result.error());
}

/// The browser's question for a signature, as nginx passes it on; `query` has to outlive it.
inline Request signature_request(std::string_view query, std::string_view user = "bob") {
  Request request;
  request.endpoint = "signature";
  request.method = "GET";
  request.query = query;
  request.user = user;
  request.remote_addr = "203.0.113.7";
  return request;
}

/// Every byte written as `%XX`: an encoder of the tests' own, so that core's is not tested against itself.
inline std::string escaped(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result.append({'%', kHex[byte / 16U], kHex[byte % 16U]});
  }
  return result;
}

/// The reverse, for any URL text.
inline std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result.push_back(text[i]);
      continue;
    }
    result.push_back(static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16)));
    i += 2;
  }
  return result;
}

inline std::string repeated(std::string_view text, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result.append(text);
  return result;
}

}  // namespace blobvalet::testing
