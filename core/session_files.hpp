#pragma once
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/access_event.hpp"
#include "core/audit_trail.hpp"
#include "core/blob_listing.hpp"
#include "core/site.hpp"
#include "core/timed_http.hpp"
#include "core/upload_acceptance.hpp"

namespace blobvalet {

/// Answers requests for Fine Uploader's initial file list: what the caller has uploaded before. Not for use
/// by two threads at once.
class SessionFiles {
 public:
  /// An answer fits into nginx's buffers (snippets/blobvalet-session.conf), so that no slow client holds a
  /// thread.
  static constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;

  /// All arguments outlive it.
  SessionFiles(const Site& site, SasSigners& signers, const Clock& clock, AuditTrail& audit,
               const CallbackPorts& ports);

  /// Answers with a JSON array of what is below `folder`, the newest first: name, uuid, size, blobName (which
  /// follows `folder`) and perhaps thumbnailUrl of each; `more` is true in the last one if that is not all.
  /// Errors: azure_unavailable, azure_refused, key_unavailable.
  [[nodiscard]] Result<void> answer(const std::vector<ListGrant>& lists, std::string_view folder,
                                    Response& response, Event& event);

  /// One for each SAS in the last answer. Their views end with those of its event.
  [[nodiscard]] std::span<const Event> given() const { return given_; }

 private:
  struct Found {
    ListedBlob blob;
    const ListGrant* list;
  };
  [[nodiscard]] Result<void> find(const std::vector<ListGrant>& lists, std::string_view folder);
  [[nodiscard]] Result<void> find_in(const ListGrant& list, std::string_view folder, Timer::Time deadline);
  void take_in(BlobListPage& page, const ListGrant& list, std::string_view folder);
  void keep_newest();
  void write(std::string_view folder, Response& response, Event& event);
  [[nodiscard]] std::string item(const Found& found, std::string_view folder, const Event& event);
  [[nodiscard]] std::string unused_uuid(const ListedBlob& blob, const BlobTarget& target);
  [[nodiscard]] std::string thumbnail_url(const SasGrant& grant, const ListedBlob& blob,
                                          std::string_view uuid, const Event& event);
  void note(const Event& event, const SasGrant& grant, const IssuedSas& sas);

  const SessionOptions options_;
  const BlobNames blob_names_;
  SasSigners& signers_;
  const Clock& clock_;
  AuditTrail& audit_;
  Timer& timer_;
  TimedHttp azure_;
  AzureAuthorization authorization_;
  BlobListing listing_;
  // Of the current request:
  std::vector<Found> found_;
  std::size_t looked_at_ = 0;
  StaticText cut_ = "";  ///< why that is not all; empty: it is
  std::vector<std::string> uuids_;
  std::vector<Event> given_;
  std::deque<SignatureHash> hashes_;  ///< of these
};

}  // namespace blobvalet
