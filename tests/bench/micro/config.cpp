// From a configuration's text to a site that answers, as a start or reload takes it; keys are read elsewhere.
#include <benchmark/benchmark.h>

#include "tests/bench/micro/allocations.hpp"
#include "tests/bench/micro/site.hpp"

namespace blobvalet::bench {
namespace {

void load(benchmark::State& state) {
  SiteTexts texts{{account_text(0)}, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(state.range(0)); ++i)
    texts.rules.push_back(rule_text(i, 0, "uploads", "site-" + std::to_string(i) + "/{user}/**"));
  const std::string json = texts.json();
  const AllocationCounters counters(state);
  while (state.KeepRunning())
    benchmark::DoNotOptimize(make_site(json));
}

/// As many rules as accounts, one for each.
void load_accounts(benchmark::State& state) {
  SiteTexts texts;
  for (std::size_t i = 0; i < static_cast<std::size_t>(state.range(0)); ++i) {
    texts.accounts.push_back(account_text(i));
    texts.rules.push_back(rule_text(i, i, "uploads", "{user}/**"));
  }
  const std::string json = texts.json();
  const AllocationCounters counters(state);
  while (state.KeepRunning())
    benchmark::DoNotOptimize(make_site(json));
}

BENCHMARK(load)->Name("config/load")->Arg(1)->Arg(100)->Arg(10000)->Unit(benchmark::kMicrosecond);
BENCHMARK(load_accounts)
    ->Name("config/load_accounts")
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace blobvalet::bench
