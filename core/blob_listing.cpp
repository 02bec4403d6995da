#include "core/blob_listing.hpp"

#include <algorithm>

#include "core/azure_failure.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

constexpr unsigned kRetries = 3;
constexpr StaticText kCannotList = "the files cannot be listed now";
// As many blobs fit on a page whatever their names and metadata are: some 45 KiB each, escaped.
constexpr std::size_t kAlwaysFit = 125;

/// In the words of this endpoint: there is no upload that could be checked.
tl::unexpected<Error> told(Error error) {
  if (error.errc == Errc::azure_refused || error.errc == Errc::azure_unavailable) error.what = kCannotList;
  return tl::unexpected(error);
}

}  // namespace

Result<HttpRetry::Outcome> BlobListing::ask(const ListGrant& list, std::string_view marker,
                                            std::size_t max_entries, Timer::Time deadline) {
  HttpCall call;
  const Wiper wiper(call);
  call.connect_timeout = options_.connect_timeout;
  call.timeout = options_.deadline;
  call.max_answer_bytes = kPageBytes;
  call.url.reserve(8192);  // a SAS is not to be left behind in a smaller buffer
  const std::string count = std::to_string(max_entries);
  std::vector<NamedValue> parameters;
  parameters.reserve(3);
  parameters.push_back({"include", "metadata"});
  parameters.push_back({"maxresults", count});
  if (!marker.empty()) parameters.push_back({"marker", marker});
  const auto left = std::chrono::ceil<std::chrono::seconds>(deadline - timer_.now());
  const auto authorized =
      authorization_.authorize_list(call, list, std::move(parameters), clock_.now() + left);
  if (!authorized) return told(authorized.error());
  return sender_.send(call, deadline, kRetries);
}

Result<BlobListPage> BlobListing::page(const ListGrant& list, std::string_view marker,
                                       std::size_t max_entries, Timer::Time deadline) {
  for (std::size_t count = std::min(max_entries, kPageEntries);; count /= 2) {
    auto asked = ask(list, marker, count, deadline);
    if (!asked) return tl::unexpected(asked.error());
    HttpRetry::Outcome& outcome = *asked;
    if (!outcome && outcome.error() == HttpFailure::too_large && count > kAlwaysFit) continue;
    if (!outcome) return tl::unexpected(no_azure_answer(outcome.error(), kCannotList));
    if (outcome->status != 200)
      return tl::unexpected(unexpected_azure_answer(*outcome, clock_.now(), kCannotList));
    auto page = BlobListPage::parse(outcome->body, count);
    if (page && (page->next_marker.empty() || page->next_marker != marker)) return std::move(*page);
    return refuse(Errc::azure_refused, "", kCannotList,
                  "the endpoint's answer is not that of a storage account");
  }
}

}  // namespace blobvalet
