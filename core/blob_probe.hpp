#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/azure_authorization.hpp"
#include "core/http_retry.hpp"
#include "core/policy.hpp"
#include "core/result.hpp"

namespace blobvalet {

/// What Azure says of a stored blob ("Get Blob Properties", learn.microsoft.com). Size, kind, ETag and dates
/// are the service's own; whoever wrote the blob chose all else.
struct BlobProperties {
  std::uint64_t size_bytes = 0;
  std::string content_type;
  std::string blob_type;      ///< `BlockBlob`, `PageBlob` or `AppendBlob`
  std::string etag;           ///< with its quotes
  std::string last_modified;  ///< as in the header: `Sun, 01 Mar 2026 12:00:00 GMT`
  std::string content_md5;  ///< base64; computed by the service for a blob written in one piece, else claimed
  std::string copy_status;  ///< `pending`, `success`, `aborted`, `failed`, or empty: no copy
  std::string filename;     ///< metadata `qqfilename`, percent-encoded as the client sent it; empty: none
};

/// Asks Azure about a blob whose upload the policy allows, and acts on it. Each question is asked again after
/// a transient failure, all within the deadline. Not for use by two threads at once.
///
/// Errors of all members: azure_unavailable (no answer, too slow, throttled), azure_refused (it does not take
/// our credential, or not our question).
class BlobProbe {
 public:
  /// How many bytes decide a magic number; what they are is told by the first few, but office documents and
  /// archives are known by what comes later.
  static constexpr std::size_t kFirstBytes = 65536;

  BlobProbe(Http& http, Timer& timer, const Clock& clock, AzureAuthorization& authorization)
      : sender_(http, timer, clock), clock_(clock), authorization_(authorization) {}

  /// The blob's properties; nothing if there is no such blob, or only blocks that were never committed.
  [[nodiscard]] Result<std::optional<BlobProperties>> properties(const SasGrant& upload,
                                                                 Timer::Time deadline);
  /// The first 64 KiB of the version that `etag` names. Further error: busy (it is another one
  /// by now).
  [[nodiscard]] Result<std::string> first_bytes(const SasGrant& upload, std::string_view etag,
                                                Timer::Time deadline);
  /// Deletes the blob if it still is the version that `etag` names: a newer one stays. A success means that
  /// this version is gone.
  [[nodiscard]] Result<void> remove(const SasGrant& upload, std::string_view etag, Timer::Time deadline);
  /// Sets the index tag `blobvalet` = `refused`, in place of all others ("Set Blob Tags").
  [[nodiscard]] Result<void> tag(const SasGrant& upload, Timer::Time deadline);

 private:
  [[nodiscard]] Result<HttpAnswer> ask(HttpCall call, const SasGrant& upload, ServiceOperation operation,
                                       std::string_view query, Timer::Time deadline);

  HttpRetry sender_;
  const Clock& clock_;
  AzureAuthorization& authorization_;
};

}  // namespace blobvalet
