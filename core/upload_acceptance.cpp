#include "core/upload_acceptance.hpp"

#include <array>

#include "core/blob_check.hpp"
#include "core/media_type.hpp"
#include "core/nested_params.hpp"
#include "core/thumbnail.hpp"

namespace blobvalet {
namespace {

std::string_view text_for(HookVerdict::Kind kind) {
  return kind == HookVerdict::Kind::refused ? "The application refused this."
                                            : "The application cannot be asked now; try again.";
}

void append_properties(std::string& body, const BlobProperties& properties) {
  body.append(",\"size\":").append(std::to_string(properties.size_bytes));
  body.append(",\"content_type\":").append(json_string(properties.content_type));
  body.append(",\"etag\":").append(json_string(properties.etag));
  body.append(",\"last_modified\":").append(json_string(properties.last_modified));
}

/// The application's no, or its silence; in its own words, if it has any.
void answer_no(const HookVerdict& verdict, bool is_callback, Response& response, Event& event) {
  const bool refused = verdict.kind == HookVerdict::Kind::refused;
  const ErrorRow& row = error_row(refused ? Errc::hook_refused : verdict.errc);
  const HookAnswer& said = verdict.answer;
  response.status = row.status;
  response.content_type = ContentType::json;
  if (!refused) response.retry_after = std::chrono::seconds(1);
  event.code = row.code.view();
  std::string& body = response.body;
  body.assign("{\"error\":").append(json_string(said.error.empty() ? text_for(verdict.kind) : said.error));
  body.append(",\"code\":\"").append(row.code.view()).append("\"");
  if (is_callback) body.append(",\"success\":false");
  // A client that is told both would neither repeat the callback nor upload again.
  if (is_callback && refused && said.reset) {
    body.append(",\"reset\":true");
  } else if (is_callback && refused && !said.keeps_retry) {
    body.append(",\"preventRetry\":true");
  }
  body.append(said.members).append("}");
}

}  // namespace

UploadAcceptance::UploadAcceptance(const Site& site, SasSigners& signers, const Clock& clock,
                                   AuditTrail& audit, const CallbackPorts& ports)
    : signers_(signers),
      clock_(clock),
      audit_(audit),
      timer_(ports.timer),
      magic_numbers_(ports.magic_numbers),
      refusals_(ports.refusals),
      azure_(ports.http, ports.timer, ports.azure_durations),
      hook_(ports.http, ports.timer, ports.hook_durations),
      authorization_(site, signers, clock, ports.secret_files),
      probe_(azure_, ports.timer, clock, authorization_),
      notifier_(site, hook_, ports.timer, clock, ports.events, ports.event_stored) {}

Result<void> UploadAcceptance::answer(const SasGrant& grant, const UploadSuccess& upload,
                                      const Request& request, Response& response, Event& event) {
  const auto params = nested_json(upload.params);
  if (!params) return tl::unexpected(params.error());
  const auto properties = verify(grant, upload, event);
  if (!properties) return tl::unexpected(properties.error());

  const BlobTarget& target = grant.target();
  const std::string url = blob_url(target);
  HookVerdict verdict = notifier_.tell(
      {"upload_success", clock_.now(), request.request_id, request.user, target.account,
       target.container.view(), target.blob.view(), url, upload.uuid, upload.name, *params, *properties},
      request.headers, grant.rule().verify.answer_properties);
  note(verdict, event);
  if (verdict.kind == HookVerdict::Kind::accepted) {
    accept(grant, upload, *properties, verdict.answer, response, event);
  } else {
    answer_no(verdict, true, response, event);
  }
  return {};
}

bool UploadAcceptance::announce_delete(const SasGrant& grant, const Request& request, Response& response,
                                       Event& event) {
  const BlobTarget& target = grant.target();
  const std::string url = blob_url(target);
  HookVerdict verdict = notifier_.tell({"delete_granted",
                                        clock_.now(),
                                        request.request_id,
                                        request.user,
                                        target.account,
                                        target.container.view(),
                                        target.blob.view(),
                                        url,
                                        {},
                                        {}},
                                       request.headers, false);
  note(verdict, event);
  if (verdict.kind == HookVerdict::Kind::accepted) return true;
  answer_no(verdict, false, response, event);
  return false;
}

void UploadAcceptance::note(HookVerdict& verdict, Event& event) {
  event.hook_status = verdict.status;
  if (verdict.log_reason.empty()) return;
  reason_ = std::move(verdict.log_reason);
  event.reason = reason_;
}

/// The blob's properties once it is what the rule wants; null if Azure need not, or cannot, be asked.
Result<const BlobProperties*> UploadAcceptance::verify(const SasGrant& grant, const UploadSuccess& upload,
                                                       Event& event) {
  const VerifyOptions& options = grant.rule().verify;
  if (!options.enabled) return nullptr;
  const auto looked = look_at_blob(grant, upload, timer_.now() + options.deadline, event);
  event.verified = looked.has_value();
  if (looked) return &properties_;
  const bool believe = options.on_azure_failure == OnFailure::accept;
  if (looked.error().errc != Errc::azure_unavailable || !believe) return tl::unexpected(looked.error());
  event.reason = looked.error().log_reason.view();
  return nullptr;
}

Result<void> UploadAcceptance::look_at_blob(const SasGrant& grant, const UploadSuccess& upload,
                                            Timer::Time deadline, Event& event) {
  const VerifyOptions& options = grant.rule().verify;
  auto found = probe_.properties(grant, deadline);
  if (!found) return tl::unexpected(found.error());
  const BlobTarget& target = grant.target();
  upload_.assign(target.account).append("/").append(target.container.view()).append("/");
  upload_.append(target.blob.view()).append("?").append(upload.uuid);
  if (!*found) return tl::unexpected(why_there_is_none());
  properties_ = std::move(**found);
  event.size_bytes = properties_.size_bytes;
  event.content_type = properties_.content_type;
  event.etag = properties_.etag;
  event.last_modified = properties_.last_modified;
  if (const auto broken = broken_rule(options, target.blob.view(), properties_)) {
    return tl::unexpected(punish(*broken, grant, deadline, event));
  }
  if (options.magic) {
    if (auto content = look_at_content(grant, deadline, event); !content) return content;
  }
  if (const auto broken = broken_claim(options, upload, properties_)) return tl::unexpected(*broken);
  return {};
}

Result<void> UploadAcceptance::look_at_content(const SasGrant& grant, Timer::Time deadline, Event& event) {
  const auto bytes = probe_.first_bytes(grant, properties_.etag, deadline);
  if (!bytes) return tl::unexpected(bytes.error());
  if (fits_declared_type(properties_.content_type, magic_numbers_.media_type(*bytes))) return {};
  return tl::unexpected(punish(rule_violation(Errc::content_mismatch), grant, deadline, event));
}

/// A repeated callback is told what the first one was, after which the blob was deleted.
Error UploadAcceptance::why_there_is_none() const {
  if (const auto errc = refusals_.recall(upload_)) return rule_violation(*errc);
  return {Errc::blob_not_found, "blob", "was not uploaded"};
}

/// Deletes or tags the blob if the rule says so; the refusal stays what it is, whether that worked or not.
Error UploadAcceptance::punish(const Error& error, const SasGrant& grant, Timer::Time deadline,
                               Event& event) {
  switch (grant.rule().verify.on_violation) {
    case OnViolation::keep: event.action = "kept"; break;
    case OnViolation::remove:
      // First, so that it is known whoever dies in between.
      refusals_.remember(upload_, error.errc);
      event.action = probe_.remove(grant, properties_.etag, deadline) ? "deleted" : "not_deleted";
      break;
    case OnViolation::tag: event.action = probe_.tag(grant, deadline) ? "tagged" : "not_tagged"; break;
  }
  return error;
}

void UploadAcceptance::accept(const SasGrant& grant, const UploadSuccess& upload,
                              const BlobProperties* properties, const HookAnswer& said, Response& response,
                              Event& event) {
  const VerifyOptions& options = grant.rule().verify;
  std::string& body = response.body;
  // The client keeps the result object from one attempt to the next: without the null, the error of a failed
  // attempt would still stand in the result of a later success.
  body.assign(R"({"success":true,"error":null)");
  if (options.enabled) body.append(properties != nullptr ? R"(,"verified":true)" : R"(,"verified":false)");
  if (options.answer_properties && properties != nullptr) append_properties(body, *properties);
  const std::string thumbnail =
      said.thumbnail_url.empty() ? thumbnail_url(grant, upload, properties, event) : said.thumbnail_url;
  if (!thumbnail.empty()) body.append(",\"thumbnailUrl\":").append(json_string(thumbnail));
  body.append(said.members).append("}");
}

std::string UploadAcceptance::thumbnail_url(const SasGrant& grant, const UploadSuccess& upload,
                                            const BlobProperties* properties, Event& event) {
  const ThumbnailOptions& options = grant.rule().thumbnail;
  const std::string_view type =
      properties == nullptr ? std::string_view{} : viewable_image(properties->content_type);
  if (options.kind == ThumbnailOptions::Kind::none || type.empty()) return {};
  if (options.kind == ThumbnailOptions::Kind::url_template)
    return thumbnail_address(options.url, grant.target(), upload.uuid);
  std::string url;
  const UtcSeconds now = clock_.now();
  // Without a key there is no picture, but the upload is accepted all the same.
  const SasGrant viewing = grant.for_viewing(type, options.lifetime, now);
  const auto sas = signers_.append_sas_uri(url, viewing, now);
  if (!sas) return {};
  audit_.note(event, viewing, *sas);
  return url;
}

}  // namespace blobvalet
