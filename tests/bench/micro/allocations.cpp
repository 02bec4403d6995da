#include "tests/bench/micro/allocations.hpp"

namespace blobvalet::bench {

AllocationCounters::~AllocationCounters() {
  // Before the counters themselves allocate.
  const auto calls = static_cast<double>(count_.calls());
  const auto bytes = static_cast<double>(count_.bytes());
  state_.counters["allocs"] = benchmark::Counter(calls, benchmark::Counter::kAvgIterations);
  state_.counters["bytes"] = benchmark::Counter(bytes, benchmark::Counter::kAvgIterations);
}

}  // namespace blobvalet::bench
