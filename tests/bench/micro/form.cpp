// From the callback's form to its verdict, with an Azure that answers at once.
#include <benchmark/benchmark.h>

#include <cstdlib>

#include "core/app.hpp"
#include "core/percent_encoding.hpp"
#include "tests/bench/micro/allocations.hpp"
#include "tests/bench/micro/site.hpp"

namespace blobvalet::bench {
namespace {

/// Azure has every blob that it is asked for.
class FullAzure final : public Http {
 public:
  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> send(const HttpCall& /*call*/) override {
    return HttpAnswer{200,
                      {{"content-length", "4000000"},
                       {"content-type", "image/jpeg"},
                       {"x-ms-blob-type", "BlockBlob"},
                       {"etag", "\"0x8DC39C5E1B6F2A4\""},
                       {"last-modified", "Sun, 01 Mar 2026 11:59:58 GMT"}},
                      {}};
  }
};

class NoTime final : public Timer {
 public:
  [[nodiscard]] Time now() const override { return {}; }
  void sleep_for(std::chrono::milliseconds /*duration*/) override { std::abort(); }
};

class NoMagicNumbers final : public MagicNumbers {
 public:
  [[nodiscard]] std::string media_type(std::string_view /*bytes*/) override { std::abort(); }
};

class NoSecretFiles final : public SecretFiles {
 public:
  [[nodiscard]] std::optional<SecretBytes> read(const std::string& /*path*/) override { return {}; }
};

class NoRefusals final : public RefusalMemory {
 public:
  void remember(std::string_view /*upload*/, Errc /*errc*/) override { std::abort(); }
  [[nodiscard]] std::optional<Errc> recall(std::string_view /*upload*/) override { return {}; }
};

/// What Fine Uploader posts, with two parameters of the page's.
std::vector<std::string> typical_forms() {
  std::vector<std::string> forms;
  for (std::size_t i = 0; i < kNames; ++i) {
    const std::string name = blob_name(i);
    forms.push_back("album=Ferien+2026&user%5Bn%5D=7&blob=" + name + "&uuid=" + name.substr(0, 36) +
                    "&name=Bild+" + std::to_string(i) + "+%C3%BC.jpg&container=");
    append_query_encoded(forms.back(), endpoint_of(0) + "uploads/alice");
  }
  return forms;
}

void parse(benchmark::State& state) {
  const auto forms = typical_forms();
  const FormLimits limits;
  std::size_t i = 0;
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    const auto upload = UploadSuccess::parse(forms[i++ % kNames], limits);
    if (!upload) std::abort();
    benchmark::DoNotOptimize(&*upload);
  }
}

/// All of core's way: form, endpoint, rules, the address that Azure is asked by and its answer, verdict.
void verdict(benchmark::State& state) {
  const auto forms = typical_forms();
  FullAzure azure;
  NoTime timer;
  NoMagicNumbers magic_numbers;
  NoSecretFiles secret_files;
  NoRefusals refusals;
  const CallbackPorts ports{azure, timer, magic_numbers, secret_files, refusals};
  const FixedClock clock;
  App app(plain_site(), clock, &ports);
  Request request;
  request.endpoint = "success";
  request.method = "POST";
  request.content_type = "application/x-www-form-urlencoded; charset=UTF-8";
  request.user = "alice";
  request.remote_addr = "203.0.113.7";
  Response response;
  std::size_t i = 0;
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    request.body = forms[i++ % kNames];
    if (app.handle(request, response).status != Status::ok) std::abort();
    benchmark::DoNotOptimize(response.body.data());
  }
}

BENCHMARK(parse)->Name("form/parse");
BENCHMARK(verdict)->Name("form/verdict");

}  // namespace
}  // namespace blobvalet::bench
