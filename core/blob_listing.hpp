#pragma once
#include <cstddef>
#include <string_view>

#include "core/azure_authorization.hpp"
#include "core/blob_list_page.hpp"
#include "core/http_retry.hpp"
#include "core/policy.hpp"
#include "core/result.hpp"
#include "core/session_options.hpp"

namespace blobvalet {

/// Lists what the policy lets a caller see ("List Blobs", learn.microsoft.com), page by page. Not for use by
/// two threads at once.
class BlobListing {
 public:
  /// Azure's pages may be longer, but have to fit into memory once for each thread.
  static constexpr std::size_t kPageEntries = 1000;
  static constexpr std::size_t kPageBytes = std::size_t{8} << 20;

  BlobListing(Http& http, Timer& timer, const Clock& clock, AzureAuthorization& authorization,
              const SessionOptions& options)
      : sender_(http, timer, clock),
        timer_(timer),
        clock_(clock),
        authorization_(authorization),
        options_(options) {}

  /// The page that begins at `marker` (empty: the first), of at most `max_entries` blobs, which is at
  /// least 1. A page that is too large is asked for in parts. What it holds is Azure's word:
  /// ListGrant::admit() decides what of it is shown. Errors: azure_unavailable, azure_refused,
  /// key_unavailable.
  [[nodiscard]] Result<BlobListPage> page(const ListGrant& list, std::string_view marker,
                                          std::size_t max_entries, Timer::Time deadline);

 private:
  [[nodiscard]] Result<HttpRetry::Outcome> ask(const ListGrant& list, std::string_view marker,
                                               std::size_t max_entries, Timer::Time deadline);

  HttpRetry sender_;
  Timer& timer_;
  const Clock& clock_;
  AzureAuthorization& authorization_;
  SessionOptions options_;
};

}  // namespace blobvalet
