#include "core/app.hpp"

#include "core/signature_request.hpp"
#include "core/version.hpp"

namespace blobvalet {
namespace {

constexpr unsigned kRetryAfterSeconds = 1;

void begin(Response& response) {
  response.status = Status::ok;
  response.content_type = ContentType::json;
  response.allow = {};
  response.retry_after_seconds.reset();
  response.body.clear();
}

/// `{"error":"field: what","code":"...",...}`; every part is StaticText and so needs no escaping.
void answer_error(const Error& error, bool is_callback, Response& response) {
  const ErrorRow& row = error_row(error.errc);
  response.status = row.status;
  response.content_type = ContentType::json;
  if (row.status == Status::service_unavailable) response.retry_after_seconds = kRetryAfterSeconds;
  std::string& body = response.body;
  body.assign(R"({"error":")");
  if (!error.field.empty()) body.append(error.field.view()).append(": ");
  body.append(error.what.view()).append(R"(","code":")").append(row.code.view()).append("\"");
  if (is_callback) body.append(R"(,"success":false)");
  if (is_callback && row.prevent_retry) body.append(R"(,"preventRetry":true)");
  body.append("}");
}

Caller caller_of(const Request& request) {
  return {request.user, request.remote_addr, request.vars};
}

Event event_of(const Request& request) {
  Event event;
  event.endpoint = request.endpoint;
  event.request_id = request.request_id;
  event.user = request.user;
  event.code = "ok";
  return event;
}

void refuse_with(const Error& error, const Request& request, Response& response, Event& event) {
  answer_error(error, request.endpoint == "success", response);
  event.status = response.status;
  event.code = error_row(error.errc).code.view();
  event.reason = error.log_reason.view();
}

Result<void> answer_health(Response& response) {
  response.body.assign(R"({"status":"ok","version":")").append(kVersion).append("\"}");
  return {};
}

}  // namespace

App::App(std::shared_ptr<const Site> site, const Clock& clock, BlobProbe* probe)
    : site_(std::move(site)), clock_(clock), probe_(probe) {
  for (const auto& key : site_->signing_keys())
    signers_.emplace_back(key);
}

Event App::handle(const Request& request, Response& response) {
  begin(response);
  Event event = event_of(request);
  const Result<void> answered = route(request, response, event);
  if (!answered) refuse_with(answered.error(), request, response, event);
  return event;
}

Event App::fail(const Error& error, const Request& request, Response& response) {
  begin(response);
  Event event = event_of(request);
  refuse_with(error, request, response, event);
  return event;
}

Result<void> App::route(const Request& request, Response& response, Event& event) {
  if (request.repeated_identity) {
    return refuse(Errc::misconfigured, "", "the web server is misconfigured",
                  "a BLOBVALET_ parameter came twice");
  }
  if (request.endpoint == "signature") return answer_signature(request, response, event);
  if (request.endpoint == "success") return answer_success(request, response, event);
  if (request.endpoint == "health") return answer_health(response);
  return refuse(Errc::misconfigured, "", "the web server is misconfigured",
                "BLOBVALET_ENDPOINT must be signature, success or health");
}

/// Parses and decides: the way that both endpoints share.
Result<SasGrant> App::grant(std::string_view blob_uri, BlobVerb verb, const Request& request, Event& event) {
  event.verb = name_of(verb);
  const auto target = site_->endpoints().parse(blob_uri, site_->blob_names(), blob_name_);
  if (!target) return tl::unexpected(target.error());
  event.account = target->account;
  event.container = target->container.view();
  event.blob = target->blob.view();
  auto decided = site_->policy().decide(*target, verb, caller_of(request), clock_.now());
  if (decided) event.rule = decided->rule().name;
  return decided;
}

Result<void> App::answer_signature(const Request& request, Response& response, Event& event) {
  if (request.method != "GET") {
    response.allow = "GET";
    return refuse(Errc::method_not_allowed, "", "only GET is allowed here");
  }
  const auto parsed = SignatureRequest::parse(request.query, blob_uri_);
  if (!parsed) return tl::unexpected(parsed.error());
  const auto granted = grant(parsed->blob_uri, parsed->verb, request, event);
  if (!granted) return tl::unexpected(granted.error());
  response.content_type = ContentType::text;
  signers_[granted->target().account_index].append_sas_uri(response.body, *granted);
  return {};
}

Result<void> App::answer_success(const Request& request, Response& response, Event& event) {
  const bool put_allowed = site_->success().accept_put;
  if (request.method != "POST" && !(put_allowed && request.method == "PUT")) {
    response.allow = put_allowed ? "POST, PUT" : "POST";
    return refuse(Errc::method_not_allowed, "", "this HTTP method is not allowed here");
  }
  if (auto accepted = accept_upload(request, event); !accepted) return accepted;
  // The client keeps the result object from one attempt to the next: without the null, the error of a failed
  // attempt would still stand in the result of a later success.
  response.body.assign(R"({"success":true,"error":null})");
  return {};
}

Result<void> App::accept_upload(const Request& request, Event& event) {
  // A form is posted without a preflight, so a stranger's page can be stopped only here.
  if (request.origin == "-") {
    return refuse(Errc::origin_not_allowed, "", "this page's origin is not allowed");
  }
  if (request.body_too_large) return refuse(Errc::body_too_large, "body", "is too large");
  if (request.body_cut_short) return refuse(Errc::bad_request, "body", "is shorter than its Content-Length");
  if (!is_form_content_type(request.content_type)) {
    return refuse(Errc::unsupported_media_type, "",
                  "Content-Type must be application/x-www-form-urlencoded in UTF-8");
  }
  const auto upload = UploadSuccess::parse(request.body, site_->success().limits);
  if (!upload) return tl::unexpected(upload.error());
  blob_uri_ = upload->blob_uri();
  const auto granted = grant(blob_uri_, BlobVerb::put, request, event);
  if (!granted) return tl::unexpected(granted.error());
  if (probe_ == nullptr) return {};
  const auto properties = probe_->probe(granted->target());
  if (!properties) return tl::unexpected(properties.error());
  if (!*properties) return refuse(Errc::blob_not_found, "blob", "was not uploaded");
  return {};
}

}  // namespace blobvalet
