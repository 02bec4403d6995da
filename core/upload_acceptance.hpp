#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/access_event.hpp"
#include "core/audit_trail.hpp"
#include "core/azure_authorization.hpp"
#include "core/blob_probe.hpp"
#include "core/notifier.hpp"
#include "core/refusal_memory.hpp"
#include "core/timed_http.hpp"
#include "core/upload_success.hpp"

namespace blobvalet {

/// What answering callbacks needs of the world, for one thread.
struct CallbackPorts {
  Http& http;
  Timer& timer;
  MagicNumbers& magic_numbers;
  SecretFiles& secret_files;
  RefusalMemory& refusals;
  EventStore* events = nullptr;                ///< there if the hook is asynchronous
  std::function<void()> event_stored = [] {};  ///< called after each event that is stored
  Histogram azure_durations = {};              ///< of requests to Azure
  Histogram hook_durations = {};               ///< of messages to the application
};

/// Decides whether an upload that the policy allows is accepted: Azure has the blob, it is what the rule
/// wants, and the site's application agrees. Not for use by two threads at once.
class UploadAcceptance {
 public:
  /// All arguments outlive it.
  UploadAcceptance(const Site& site, SasSigners& signers, const Clock& clock, AuditTrail& audit,
                   const CallbackPorts& ports);

  /// Answers the callback `upload`, whose blob `grant` is about. Errors: those of blob_check, blob_not_found,
  /// content_mismatch, azure_unavailable, azure_refused, busy, bad_request (parameters that cannot be
  /// nested). An application's no, or its silence, is an answer.
  [[nodiscard]] Result<void> answer(const SasGrant& grant, const UploadSuccess& upload,
                                    const Request& request, Response& response, Event& event);

  /// Tells the application that a DELETE is about to be signed. False, with `response` answered, if it
  /// refuses that or cannot be told.
  [[nodiscard]] bool announce_delete(const SasGrant& grant, const Request& request, Response& response,
                                     Event& event);

 private:
  [[nodiscard]] Result<const BlobProperties*> verify(const SasGrant& grant, const UploadSuccess& upload,
                                                     Event& event);
  [[nodiscard]] Result<void> look_at_blob(const SasGrant& grant, const UploadSuccess& upload,
                                          Timer::Time deadline, Event& event);
  [[nodiscard]] Result<void> look_at_content(const SasGrant& grant, Timer::Time deadline, Event& event);
  void note(HookVerdict& verdict, Event& event);
  [[nodiscard]] Error punish(const Error& error, const SasGrant& grant, Timer::Time deadline, Event& event);
  [[nodiscard]] Error why_there_is_none() const;
  void accept(const SasGrant& grant, const UploadSuccess& upload, const BlobProperties* properties,
              const HookAnswer& said, Response& response, Event& event);
  [[nodiscard]] std::string thumbnail_url(const SasGrant& grant, const UploadSuccess& upload,
                                          const BlobProperties* properties, Event& event);

  SasSigners& signers_;
  const Clock& clock_;
  AuditTrail& audit_;
  Timer& timer_;
  MagicNumbers& magic_numbers_;
  RefusalMemory& refusals_;
  TimedHttp azure_;
  TimedHttp hook_;
  AzureAuthorization authorization_;
  BlobProbe probe_;
  Notifier notifier_;
  std::string upload_;         ///< says which upload the current request is about
  BlobProperties properties_;  ///< of the current request's blob
  std::string reason_;         ///< what the log says of the current request's hook
};

}  // namespace blobvalet
