#pragma once
#include <utility>

#include "core/http_client.hpp"
#include "core/meters.hpp"
#include "core/ports.hpp"

namespace blobvalet {

/// Http that says how long each request took, whether it was answered or not.
class TimedHttp final : public Http {
 public:
  /// `http` and `timer` outlive it.
  TimedHttp(Http& http, Timer& timer, Histogram durations)
      : http_(http), timer_(timer), durations_(durations) {}

  [[nodiscard]] tl::expected<HttpAnswer, HttpFailure> send(const HttpCall& call) override {
    const Timer::Time start = timer_.now();
    auto answer = http_.send(call);
    durations_.observe(timer_.now() - start);
    return answer;
  }

 private:
  Http& http_;
  Timer& timer_;
  Histogram durations_;
};

}  // namespace blobvalet
