#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/blob_target.hpp"
#include "core/ports.hpp"
#include "core/site.hpp"

namespace blobvalet::bench {

/// How many different names each benchmark asks for in turn, so that no cache remembers one.
inline constexpr std::size_t kNames = 512;

class FixedClock final : public Clock {
 public:
  [[nodiscard]] UtcSeconds now() const override;
};

/// A name as Fine Uploader makes it, `0b6b7f3e-1c5e-4a9e-9d0b-000000000007.jpg`.
[[nodiscard]] std::string blob_name(std::size_t i);

/// What a configuration has, one text for each.
struct SiteTexts {
  std::vector<std::string> accounts;
  std::vector<std::string> rules;

  [[nodiscard]] std::string json() const;
};

/// Account number i at an endpoint of its own, or at the one that all share.
[[nodiscard]] std::string account_text(std::size_t i, bool shares_origin = false);
/// A rule of account `account` for names that match `pattern`; `more` are further keys, with a comma before.
[[nodiscard]] std::string rule_text(std::size_t i, std::size_t account, std::string_view container,
                                    std::string_view pattern, std::string_view more = {});
/// Where account number i's containers are, with a slash at the end.
[[nodiscard]] std::string endpoint_of(std::size_t i, bool shares_origin = false);

/// Aborts if the configuration is faulty. All keys are the same.
[[nodiscard]] std::shared_ptr<const Site> make_site(std::string_view json);

/// The usual site: one account, and `{user}/**` in `uploads`.
[[nodiscard]] std::shared_ptr<const Site> plain_site();

/// A blob's address, and what becomes of it; neither copied nor moved, since the target's views point here.
class ParsedUri {
 public:
  /// Aborts if `site` has no such target.
  ParsedUri(const Site& site, std::string uri);
  ParsedUri(const ParsedUri&) = delete;
  ParsedUri& operator=(const ParsedUri&) = delete;
  [[nodiscard]] const std::string& uri() const { return uri_; }
  [[nodiscard]] const BlobTarget& target() const { return *target_; }

 private:
  std::string uri_;
  std::string decoded_;
  Result<BlobTarget> target_;
};

}  // namespace blobvalet::bench
