#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/access_event.hpp"
#include "core/audit_trail.hpp"
#include "core/http.hpp"
#include "core/ports.hpp"
#include "core/sas_signers.hpp"
#include "core/session_files.hpp"
#include "core/site.hpp"
#include "core/upload_acceptance.hpp"
#include "core/worker_state.hpp"

namespace blobvalet {

/// Answers requests. It keeps signing contexts and buffers, so each thread has an App of its own; the Site
/// behind them is shared.
class App {
 public:
  /// Without `ports` it never waits, and refuses what would have to. Without `state` it knows of nothing but
  /// the site. All three outlive it.
  App(std::shared_ptr<const Site> site, const Clock& clock, const CallbackPorts* ports = nullptr,
      WorkerState* state = nullptr);
  App(const App&) = delete;
  App& operator=(const App&) = delete;
  App(App&&) = delete;
  App& operator=(App&&) = delete;
  ~App() = default;

  /// True if answering `request` may wait for Azure, the application or the event store.
  [[nodiscard]] static bool may_wait(const Site& site, const Request& request);
  /// True if answering `request`, which waits for none of these, may wait for the store of rate limits: a
  /// short while, whatever has become of that.
  [[nodiscard]] static bool may_wait_for_limits(const Site& site, const Request& request);

  /// Answers `request` into `response`, whatever the request is; throws nothing that bad input causes.
  /// The event's views end with the request's and with the next call.
  Event handle(const Request& request, Response& response);

  /// What the log says of SAS that the last answer gave away beside that of its event, one each. Their views
  /// end with those of the event.
  [[nodiscard]] std::span<const Event> further_events() const { return further_events_; }

  /// Answers `request` with `error` instead of looking at it.
  static Event fail(const Error& error, const Request& request, Response& response);

 private:
  [[nodiscard]] Result<void> route(const Request& request, Response& response, Event& event);
  [[nodiscard]] bool answer_probe(const Request& request, Response& response) const;
  [[nodiscard]] Result<void> answer_signature(const Request& request, Response& response, Event& event);
  [[nodiscard]] Result<IssuedSas> sign(const SasGrant& granted, Response& response);
  [[nodiscard]] std::span<const NamedValue> logged_vars(const Request& request);
  [[nodiscard]] Result<void> answer_session(const Request& request, Response& response, Event& event);
  [[nodiscard]] Result<void> answer_success(const Request& request, Response& response, Event& event);
  [[nodiscard]] Result<UploadSuccess> read_callback(const Request& request) const;
  [[nodiscard]] Result<SasGrant> grant(std::string_view blob_uri, BlobVerb verb, const Request& request,
                                       Event& event);
  [[nodiscard]] Result<void> count(const Rule& rule, const Caller& caller, Event& event);
  [[nodiscard]] static Result<void> check_upload(const SasGrant& grant, const SignatureRequest& request);
  [[nodiscard]] Result<SasGrant> bind(const SasGrant& grant, std::string_view query, Event& event);

  std::shared_ptr<const Site> site_;
  const Clock& clock_;
  WorkerState* state_;
  SasSigners signers_;
  AuditTrail audit_;
  std::optional<UploadAcceptance> acceptance_;  ///< nothing without ports
  std::optional<SessionFiles> session_files_;   ///< likewise
  std::span<const Event> further_events_;       ///< of the last request
  std::string blob_uri_;                        ///< decoded bloburi of the current request
  std::string declared_put_;                    ///< decoded, of the current request, where a rule wants it
  std::string limit_identity_;                  ///< whose budget the current request is taken from
  std::vector<NamedValue> logged_vars_;         ///< of the current request
  std::string blob_name_;  ///< decoded name of the current request, where names come encoded
};

}  // namespace blobvalet
