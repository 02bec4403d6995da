#pragma once
#include <benchmark/benchmark.h>

#include "tests/unit/allocation_watch.hpp"

namespace blobvalet::bench {

/// Counts what is allocated while it lives, by operator new and by OpenSSL, and gives the benchmark the
/// counters `allocs` and `bytes`: both for each iteration. To be made right before the loop, when all is
/// warm.
class AllocationCounters {
 public:
  explicit AllocationCounters(benchmark::State& state) : state_(state) {}
  ~AllocationCounters();
  AllocationCounters(const AllocationCounters&) = delete;
  AllocationCounters& operator=(const AllocationCounters&) = delete;

 private:
  benchmark::State& state_;
  testing::AllocationCount count_;
};

}  // namespace blobvalet::bench
