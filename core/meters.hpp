#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace blobvalet {

/// A figure that any number of threads change. Relaxed: nothing else is told by it.
class Meter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void subtract(std::uint64_t n = 1) { value_.fetch_sub(n, std::memory_order_relaxed); }
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// How the figures of several workers become one.
enum class MeterKind : char {
  counter = 'c',  ///< their sum, of those that have ended, too
  gauge = 'g',    ///< the sum of those that run
  latest = 'm',   ///< the greatest, such as the time of something
};

/// One figure of all workers.
struct MeterTotal {
  MeterKind kind;
  std::string sample;  ///< as Meters::meter() was told
  std::uint64_t value;
};

/// Port: figures that all workers of a machine have in common. For use by any number of threads.
class Meters {
 public:
  /// What a figure may take room from. Names out of a configuration, which change for ever, must not use up
  /// what the rest needs.
  enum class Room : std::uint8_t { fixed, configured };

  Meters() = default;
  Meters(const Meters&) = delete;
  Meters& operator=(const Meters&) = delete;
  virtual ~Meters() = default;

  /// This worker's part of a figure: `name` or `name{label="value",...}` as in Prometheus' text. The same for
  /// the same sample, as long as this lives. Null if there is no room for one more.
  [[nodiscard]] virtual Meter* meter(MeterKind kind, std::string_view sample, Room room = Room::fixed) = 0;
  /// All figures, in the order of their samples.
  [[nodiscard]] virtual std::vector<MeterTotal> totals() const = 0;
  /// The configuration that this worker uses from now on.
  virtual void use_revision(std::string_view revision) = 0;
  /// The configurations that running workers use, each once.
  [[nodiscard]] virtual std::vector<std::string> revisions() const = 0;
  /// How many figures there are, and how many there can be.
  [[nodiscard]] virtual std::pair<std::size_t, std::size_t> usage() const = 0;
  /// Why these are the figures of this worker alone; empty: they are those of all.
  [[nodiscard]] virtual std::string fault() const = 0;
};

/// `name{label="value",...}`; label values may hold anything.
[[nodiscard]] std::string sample_name(
    std::string_view name, const std::vector<std::pair<std::string_view, std::string_view>>& labels);

/// Counts how long things take. Copies count into the same figures.
class Histogram {
 public:
  /// Upper bounds in nanoseconds: 25 us to 10 s. A signature takes some 50 us, a callback what Azure takes.
  static constexpr std::array<std::uint64_t, 18> kBounds{
      25'000,      50'000,      100'000,       250'000,       500'000,       1'000'000,
      2'500'000,   5'000'000,   10'000'000,    25'000'000,    50'000'000,    100'000'000,
      250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000, 10'000'000'000};

  /// Counts nothing.
  Histogram() = default;
  /// `labels` are what stands before `le`: empty, or `name="value"`.
  Histogram(Meters& meters, std::string_view name, std::string_view labels);

  void observe(std::chrono::nanoseconds duration) const;

  /// The sample of a bucket, which in memory counts what lies between its bound and the one before; the last
  /// one
  /// (`bound` = kBounds.size()) has no bound.
  [[nodiscard]] static std::string bucket(std::string_view name, std::string_view labels, std::size_t bound);
  /// The sample of the sum, which in memory is in nanoseconds.
  [[nodiscard]] static std::string sum(std::string_view name, std::string_view labels);

 private:
  std::array<Meter*, kBounds.size() + 1> buckets_{};
  Meter* sum_ = nullptr;
};

/// Nanoseconds as seconds, without any zero at the end: `0.000025`, `10`.
[[nodiscard]] std::string seconds_text(std::uint64_t nanoseconds);

/// Counts into a meter that may be missing.
inline void count(Meter* meter, std::uint64_t n = 1) {
  if (meter != nullptr) meter->add(n);
}
inline void uncount(Meter* meter, std::uint64_t n = 1) {
  if (meter != nullptr) meter->subtract(n);
}
inline void set(Meter* meter, std::uint64_t value) {
  if (meter != nullptr) meter->set(value);
}

/// As long as it lives there is one more of something.
class Presence {
 public:
  explicit Presence(Meter* meter) : meter_(meter) { count(meter_); }
  ~Presence() { uncount(meter_); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  Presence(Presence&&) = delete;
  Presence& operator=(Presence&&) = delete;

 private:
  Meter* meter_;
};

}  // namespace blobvalet
