#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/utc_time.hpp"

namespace blobvalet {

/// What `blobvalet keys renew` tells the workers of its machine beside the keys themselves.
struct KeyStatus {
  /// An account whose user delegation key could not be fetched when it was due, or for which Azure does not
  /// answer.
  struct Failure {
    std::string account;
    std::string reason;  ///< for operators; never a secret
    UtcSeconds since;    ///< the first of the failures in a row
  };

  UtcSeconds written;             ///< once a minute at least
  std::vector<Failure> failures;  ///< in the order of the accounts
  /// How far this machine's clock is ahead of Azure's; negative: behind. Nothing: Azure has not answered.
  std::optional<std::chrono::seconds> clock_skew;

  /// The accounts for which Azure does not answer this machine, though asked twice. Nothing: nobody has asked
  /// yet.
  std::optional<std::vector<Failure>> unreachable = {};

  /// Why Azure does not answer for `account`; null: it does, or nobody knows.
  [[nodiscard]] const Failure* why_unreachable(std::string_view account) const;
  /// Written so long ago that `blobvalet keys renew` cannot be running any more.
  [[nodiscard]] bool is_stale(UtcSeconds now) const;
  /// One JSON object and a line feed.
  [[nodiscard]] std::string to_json() const;
  /// Reads it; nothing for any other text.
  [[nodiscard]] static std::optional<KeyStatus> parse(std::string_view json);
};

}  // namespace blobvalet
