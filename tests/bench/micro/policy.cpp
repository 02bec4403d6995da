// What it costs to find who may do what, among many rules, accounts and containers. Requests go round all of
// them, so that nothing is found in a cache that a site's own requests would not find there.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <functional>
#include <list>
#include <map>

#include "tests/bench/micro/allocations.hpp"
#include "tests/bench/micro/site.hpp"

namespace blobvalet::bench {
namespace {

const Caller kAlice{"alice", "203.0.113.7"};

/// A site and what is asked of it.
struct Case {
  std::shared_ptr<const Site> site;
  std::list<ParsedUri> uris;
};

/// The case of each size is made once, however often the benchmark is run.
using Cases = std::map<std::size_t, Case>;
using Maker = Case(std::size_t);

const Case& case_of(Cases& cases, std::size_t size, Maker make) {
  const auto found = cases.find(size);
  return found == cases.end() ? cases.emplace(size, make(size)).first->second : found->second;
}

/// `uri_of(i)` is the address that is to lead to rule number i, up to the blob's own name.
Case ask_all(const SiteTexts& texts, const std::function<std::string(std::size_t)>& uri_of) {
  Case result{make_site(texts.json()), {}};
  // Neither the configuration's order nor any other.
  constexpr std::size_t kStep = 7919;
  for (std::size_t i = 0; i < kNames; ++i)
    result.uris.emplace_back(*result.site, uri_of(i * kStep % texts.rules.size()) + blob_name(i));
  return result;
}

Case many_rules(std::size_t count) {
  SiteTexts texts{{account_text(0)}, {}};
  for (std::size_t i = 0; i < count; ++i)
    texts.rules.push_back(rule_text(i, 0, "uploads", "site-" + std::to_string(i) + "/{user}/**"));
  return ask_all(
      texts, [](std::size_t i) { return endpoint_of(0) + "uploads/site-" + std::to_string(i) + "/alice/"; });
}

/// Rules that differ only behind a `*`.
Case many_globs(std::size_t count) {
  SiteTexts texts{{account_text(0)}, {}};
  for (std::size_t i = 0; i < count; ++i)
    texts.rules.push_back(rule_text(i, 0, "uploads", "*/site-" + std::to_string(i) + "/**"));
  return ask_all(
      texts, [](std::size_t i) { return endpoint_of(0) + "uploads/2026/site-" + std::to_string(i) + "/"; });
}

Case many_accounts_at(std::size_t count, bool share_origin) {
  SiteTexts texts;
  for (std::size_t i = 0; i < count; ++i) {
    texts.accounts.push_back(account_text(i, share_origin));
    texts.rules.push_back(rule_text(i, i, "uploads", "{user}/**"));
  }
  return ask_all(texts, [=](std::size_t i) { return endpoint_of(i, share_origin) + "uploads/alice/"; });
}
Case many_accounts(std::size_t count) {
  return many_accounts_at(count, false);
}
Case many_endpoints(std::size_t count) {
  return many_accounts_at(count, true);
}

Case many_containers(std::size_t count) {
  SiteTexts texts{{account_text(0)}, {}};
  for (std::size_t i = 0; i < count; ++i)
    texts.rules.push_back(rule_text(i, 0, "tenant-" + std::to_string(i), "{user}/**"));
  return ask_all(texts,
                 [](std::size_t i) { return endpoint_of(0) + "tenant-" + std::to_string(i) + "/alice/"; });
}

Case many_lists(std::size_t count) {
  SiteTexts texts{{account_text(0)}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    texts.rules.push_back(
        rule_text(i, 0, "uploads", "{user}/site-" + std::to_string(i) + "/**", R"(,"list":true)"));
  }
  return ask_all(
      texts, [](std::size_t i) { return endpoint_of(0) + "uploads/alice/site-" + std::to_string(i) + "/"; });
}

/// From the blob's address to the grant.
template <Maker make>
void decide(benchmark::State& state) {
  static Cases cases;
  const auto& [site, uris] = case_of(cases, static_cast<std::size_t>(state.range(0)), make);
  const UtcSeconds now = FixedClock().now();
  std::string decoded;
  auto uri = uris.begin();
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    const auto target = site->endpoints().parse(uri->uri(), BlobNames::raw, decoded);
    if (!target) std::abort();
    const auto grant = site->policy().decide(*target, BlobVerb::put, kAlice, now);
    if (!grant) std::abort();
    benchmark::DoNotOptimize(&*grant);
    if (++uri == uris.end()) uri = uris.begin();
  }
}

/// One name out of a list that Azure gave.
void admit(benchmark::State& state) {
  static Cases cases;
  const auto& [site, uris] = case_of(cases, static_cast<std::size_t>(state.range(0)), many_lists);
  const UtcSeconds now = FixedClock().now();
  const auto lists = site->policy().list(uris.front().target(), "", kAlice);
  // Each rule has a prefix of its own; a name is admitted by the list that it is in.
  std::map<std::string_view, const ListGrant*> by_prefix;
  for (const ListGrant& list : *lists)
    by_prefix[list.prefix()] = &list;
  std::vector<std::pair<const ListGrant*, const BlobTarget*>> names;
  for (const ParsedUri& uri : uris) {
    const std::string_view blob = uri.target().blob.view();
    names.emplace_back(by_prefix.at(blob.substr(0, blob.rfind('/') + 1)), &uri.target());
  }
  std::size_t i = 0;
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    const auto& [list, target] = names[i++ % names.size()];
    const auto grant = list->admit(*target, now);
    if (!grant) std::abort();
    benchmark::DoNotOptimize(&*grant);
  }
}

/// Which prefixes a caller may see in the folder of one site.
void list(benchmark::State& state) {
  static Cases cases;
  const auto& [site, uris] = case_of(cases, static_cast<std::size_t>(state.range(0)), many_lists);
  const AllocationCounters counters(state);
  while (state.KeepRunning()) {
    const auto lists = site->policy().list(uris.front().target(), "alice/site-0/", kAlice);
    if (!lists) std::abort();
    benchmark::DoNotOptimize(lists->data());
  }
}

BENCHMARK(decide<many_rules>)->Name("policy/rules")->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(decide<many_globs>)->Name("policy/globs")->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(decide<many_accounts>)->Name("policy/accounts")->Arg(1)->Arg(100)->Arg(1000);
BENCHMARK(decide<many_endpoints>)->Name("policy/endpoints_one_origin")->Arg(1)->Arg(100)->Arg(1000);
BENCHMARK(decide<many_containers>)->Name("policy/containers")->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(list)->Name("policy/list_rules")->Arg(1)->Arg(100)->Arg(10000);
BENCHMARK(admit)->Name("policy/admit")->Arg(1)->Arg(100)->Arg(10000);

}  // namespace
}  // namespace blobvalet::bench
