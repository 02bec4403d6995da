#pragma once
#include <boost/test/unit_test.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

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

/// Answers every probe with `answer` and remembers whom it was asked about.
class FakeBlobProbe final : public BlobProbe {
 public:
  Result<std::optional<BlobProperties>> probe(const BlobTarget& target) override {
    asked.append(target.account).append("/").append(target.container.view()).append("/");
    asked.append(target.blob.view()).append("\n");
    return answer;
  }
  Result<std::optional<BlobProperties>> answer = BlobProperties{};
  std::string asked;
};

inline SecretBytes secret(std::string_view bytes) {
  SecretBytes result(bytes.size());
  std::copy(bytes.begin(), bytes.end(), result.reveal_mutable().begin());
  return result;
}

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
  return std::make_shared<const Site>(std::move(config), std::move(keys));
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
