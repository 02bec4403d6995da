// What counting a request costs: alone, and as part of a signature. Arguments: a directory in memory for the
// file, and the path of a Redis server's socket (none: without Redis).
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/app.hpp"
#include "fcgi/adapters/redis_limits.hpp"
#include "fcgi/adapters/shared_limits.hpp"
#include "fcgi/system_clock.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;

namespace {

constexpr int kRounds = 7;
constexpr RateLimit kNever{std::chrono::nanoseconds(1), 1000000};  // a limit that nobody reaches

/// Nanoseconds for each of `times` calls of `work`: the best of some rounds, which other programs have
/// disturbed least.
template <class Work>
double nanoseconds_for(int times, Work work) {
  double best = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < times; ++i)
      work(static_cast<std::size_t>(i));
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / times);
  }
  return best;
}

std::vector<std::string> users(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i)
    names.push_back("9:own-folderuuser" + std::to_string(i) + "@example.com");
  return names;
}

class State final : public WorkerState {
 public:
  explicit State(RateLimiter* limiter) : limiter_(limiter) {}
  [[nodiscard]] SasLedger* ledger() override { return nullptr; }
  [[nodiscard]] RateLimiter* limiter() override { return limiter_; }
  [[nodiscard]] std::optional<KeyStatus> key_status() const override { return {}; }
  [[nodiscard]] std::string reload_fault() const override { return {}; }

 private:
  RateLimiter* limiter_;
};

std::shared_ptr<const Site> site() {
  auto config = Config::parse(R"({
    "accounts": [{"name": "acme", "endpoint": "https://acme.blob.core.windows.net",
                  "credential": {"type": "shared_key", "key_file": "k"}}],
    "rules": [{"name": "own-folder", "account": "acme", "container": "uploads", "blobs": ["{user}/**"],
               "methods": ["PUT"], "limit": {"requests": 1000000, "per_seconds": 1}}]})");
  auto key = AccountKey::parse(std::string(86, 'A') + "==");
  const auto shared = std::make_shared<const SigningKey>(std::move(*key));
  return std::make_shared<const Site>(std::move(*config), std::vector<AccountKeys>{{shared, nullptr}});
}

double nanoseconds_for_signature(State& state) {
  const SystemClock clock;
  App app(site(), clock, nullptr, &state);
  Request request;
  request.endpoint = "signature";
  request.method = "GET";
  request.query =
      "bloburi=https%3A%2F%2Facme.blob.core.windows.net%2Fuploads%2Falice%2Fphoto.jpg&_method=PUT&"
      "qqtimestamp=1";
  request.user = "alice";
  Response response;
  return nanoseconds_for(100000, [&](std::size_t) {
    if (app.handle(request, response).status != Status::ok) std::abort();
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  SharedLimits limits(std::filesystem::path(argv[1]) / "limits");
  for (const std::size_t count : {1U, 1000U, 30000U, 300000U}) {
    const auto names = users(count);
    const double cost =
        nanoseconds_for(300000, [&](std::size_t i) { (void)limits.take(names[i % count], kNever); });
    std::printf("shared memory, %zu users in turn: %.0f ns\n", count, cost);
  }
  State without(nullptr);
  State with(&limits);
  const double plain = nanoseconds_for_signature(without);
  const double counted = nanoseconds_for_signature(with);
  std::printf("a signature in core: %.0f ns; counted in shared memory: %.0f ns\n", plain, counted);
  if (argc < 3) return 0;
  LimitOptions options;
  options.store = LimitOptions::Store::redis;
  options.host = argv[2];
  RedisLimits redis(options);
  const double asked = nanoseconds_for(5000, [&](std::size_t) {
    if (redis.take("9:own-folderualice", RateLimit{std::chrono::microseconds(1), 1000000}).kind !=
        LimitVerdict::Kind::allowed)
      std::abort();
  });
  std::printf("Redis by a unix socket: %.0f ns\n", asked);
}
