#include "core/app.hpp"

#include "core/ascii.hpp"
#include "core/blob_check.hpp"
#include "core/checks.hpp"
#include "core/declared_put.hpp"
#include "core/health.hpp"
#include "core/metrics.hpp"
#include "core/session_request.hpp"
#include "core/signature_request.hpp"

namespace blobvalet {
namespace {

void begin(Response& response) {
  response.status = Status::ok;
  response.content_type = ContentType::json;
  response.allow = {};
  response.retry_after.reset();
  response.body.clear();
}

/// `{"error":"field: what","code":"...",...}`; every part is StaticText and so needs no escaping.
void answer_error(const Error& error, bool is_callback, Response& response) {
  const ErrorRow& row = error_row(error.errc);
  response.status = row.status;
  response.content_type = ContentType::json;
  if (row.status == Status::service_unavailable || row.status == Status::too_many_requests)
    response.retry_after = error.retry_after;
  std::string& body = response.body;
  body.assign(R"({"error":")");
  if (!error.field.empty()) body.append(error.field.view()).append(": ");
  body.append(error.what.view()).append(R"(","code":")").append(row.code.view()).append("\"");
  if (is_callback) body.append(R"(,"success":false)");
  if (is_callback && row.retry == Retry::never) body.append(R"(,"preventRetry":true)");
  if (is_callback && row.retry == Retry::upload) body.append(R"(,"reset":true)");
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
  event.remote_addr = request.remote_addr;
  event.code = "ok";
  return event;
}

void refuse_with(const Error& error, const Request& request, Response& response, Event& event) {
  answer_error(error, equals(request.endpoint, "success"), response);
  event.code = error_row(error.errc).code.view();
  event.reason = error.log_reason.view();
}

tl::unexpected<Error> never_waits() {
  return refuse(Errc::misconfigured, "", "the web server is misconfigured",
                "this worker was started with --signatures-only");
}

}  // namespace

App::App(std::shared_ptr<const Site> site, const Clock& clock, const CallbackPorts* ports, WorkerState* state)
    : site_(std::move(site)),
      clock_(clock),
      state_(state),
      signers_(site_->signing_keys(), state == nullptr ? nullptr : state->ledger()),
      audit_(site_->server().audit_log) {
  if (ports == nullptr) return;
  acceptance_.emplace(*site_, signers_, clock_, audit_, *ports);
  session_files_.emplace(*site_, signers_, clock_, audit_, *ports);
}

bool App::may_wait(const Site& site, const Request& request) {
  if (equals(request.endpoint, "success") || equals(request.endpoint, "session")) return true;
  if (!site.announces_deletes() || !equals(request.endpoint, "signature")) return false;
  std::string blob_uri;
  const auto parsed = SignatureRequest::parse(request.query, blob_uri);
  return parsed && parsed->verb == BlobVerb::del;
}

bool App::may_wait_for_limits(const Site& site, const Request& request) {
  return equals(request.endpoint, "signature") && site.limits_may_wait();
}

Event App::handle(const Request& request, Response& response) {
  begin(response);
  further_events_ = {};
  Event event = event_of(request);
  const Result<void> answered = route(request, response, event);
  if (!answered) refuse_with(answered.error(), request, response, event);
  event.status = response.status;
  return event;
}

Event App::fail(const Error& error, const Request& request, Response& response) {
  begin(response);
  Event event = event_of(request);
  refuse_with(error, request, response, event);
  event.status = response.status;
  return event;
}

Result<void> App::route(const Request& request, Response& response, Event& event) {
  if (request.repeated_identity) {
    return refuse(Errc::misconfigured, "", "the web server is misconfigured",
                  "a BLOBVALET_ parameter came twice");
  }
  if (equals(request.endpoint, "signature")) return answer_signature(request, response, event);
  if (equals(request.endpoint, "success")) return answer_success(request, response, event);
  if (equals(request.endpoint, "session")) return answer_session(request, response, event);
  if (answer_probe(request, response)) return {};
  return refuse(Errc::misconfigured, "", "the web server is misconfigured",
                "BLOBVALET_ENDPOINT must be signature, success, session, health, live, ready or metrics");
}

/// All values that the decision may hang on, absent ones too: whoever reads the log later can tell them from
/// those that were not logged.
std::span<const NamedValue> App::logged_vars(const Request& request) {
  const Caller caller = caller_of(request);
  logged_vars_.clear();
  for (const std::string& name : site_->policy().parameter_names())
    logged_vars_.push_back({name, caller.value_of(name)});
  return logged_vars_;
}

/// Parses and decides: the way that both endpoints share.
Result<SasGrant> App::grant(std::string_view blob_uri, BlobVerb verb, const Request& request, Event& event) {
  event.verb = name_of(verb);
  event.vars = logged_vars(request);
  const auto target = site_->endpoints().parse(blob_uri, site_->blob_names(), blob_name_);
  if (!target) {
    event.blob_uri = blob_uri;
    return tl::unexpected(target.error());
  }
  event.account = target->account;
  event.container = target->container.view();
  event.blob = target->blob.view();
  if (target->endpoint_url != target->account_url) event.alias = target->endpoint_url;
  const Caller caller = caller_of(request);
  auto decided = site_->policy().decide(*target, verb, caller, clock_.now());
  if (!decided) return decided;
  event.rule = decided->rule().name;
  if (const auto counted = count(decided->rule(), caller, event); !counted)
    return tl::unexpected(counted.error());
  return decided;
}

/// Takes the request from the caller's budget, if the rule has a limit.
Result<void> App::count(const Rule& rule, const Caller& caller, Event& event) {
  RateLimiter* limiter = rule.limit && state_ != nullptr ? state_->limiter() : nullptr;
  if (limiter == nullptr) return {};
  limit_identity_.clear();
  append_limit_identity(limit_identity_, rule.name, caller);
  const LimitVerdict verdict = limiter->take(limit_identity_, *rule.limit);
  if (verdict.kind == LimitVerdict::Kind::allowed) return {};
  if (verdict.kind == LimitVerdict::Kind::limited) {
    auto error = refuse(Errc::rate_limited, "", "too many requests; try again later",
                        "the rule's limit for one user, or one address, is reached");
    error.value().retry_after = std::chrono::ceil<std::chrono::seconds>(verdict.retry_after);
    return error;
  }
  constexpr StaticText kReason = "the store of rate limits cannot be used";
  event.reason = kReason.view();
  if (!site_->limits().refuse_when_unavailable) return {};
  return refuse(Errc::limits_unavailable, "", "uploads are not possible now; try again later", kReason);
}

/// Refuses now what the callback would refuse after all of it was sent: the name, and what the page says of
/// the file. It takes nothing from what the callback looks at, and adds nothing to the grant.
Result<void> App::check_upload(const SasGrant& grant, const SignatureRequest& request) {
  const VerifyOptions& verify = grant.rule().verify;
  if (request.verb != BlobVerb::put || !verify.enabled) return {};
  const auto broken = broken_rule(verify, grant.target().blob.view(), request.hints);
  if (broken) return tl::unexpected(*broken);
  return {};
}

/// The same grant for the one PUT that the query declares. Only who may upload gets here, so that the answers
/// to all others do not tell which rules there are.
Result<SasGrant> App::bind(const SasGrant& grant, std::string_view query, Event& event) {
  const auto put = DeclaredPut::parse(query, declared_put_);
  if (!put) return tl::unexpected(put.error());
  event.operation = name_of(put->operation);
  if (!put->content_length.empty()) event.size_bytes = put->body_bytes;
  event.content_type = put->content_type;
  const VerifyOptions& verify = grant.rule().verify;
  if (verify.enabled) {
    // The callback would refuse the stored blob for the same reason, after all of it was sent.
    const auto broken = broken_rule(verify, grant.target().blob.view(), *put);
    if (broken) return tl::unexpected(*broken);
  }
  return grant.bound_to(*put);
}

Result<void> App::answer_signature(const Request& request, Response& response, Event& event) {
  if (!equals(request.method, "GET")) {
    response.allow = "GET";
    return refuse(Errc::method_not_allowed, "", "only GET is allowed here");
  }
  const auto parsed = SignatureRequest::parse(request.query, blob_uri_);
  if (!parsed) return tl::unexpected(parsed.error());
  event.file_size = parsed->hints.size;
  event.file_type = parsed->hints.type;
  event.part = parsed->hints.part;
  auto granted = grant(parsed->blob_uri, parsed->verb, request, event);
  if (!granted) return tl::unexpected(granted.error());
  if (const auto fits = check_upload(*granted, *parsed); !fits) return fits;
  if (granted->lacks_binding()) granted = bind(*granted, request.query, event);
  if (!granted) return tl::unexpected(granted.error());
  const bool announce = parsed->verb == BlobVerb::del && site_->announces_deletes();
  if (announce && !acceptance_) return never_waits();
  // Signed before the application hears of it: a delete that it was told of should not fail for want of a
  // key.
  const auto sas = sign(*granted, response);
  if (!sas) return tl::unexpected(sas.error());
  if (announce && !acceptance_->announce_delete(*granted, request, response, event)) return {};
  audit_.note(event, *granted, *sas);
  return {};
}

Result<IssuedSas> App::sign(const SasGrant& granted, Response& response) {
  auto sas = signers_.append_sas_uri(response.body, granted, clock_.now());
  if (sas) response.content_type = ContentType::text;
  return sas;
}

/// What monitoring asks; false if it is something else.
bool App::answer_probe(const Request& request, Response& response) const {
  if (request.endpoint == "health") {
    const Health health = Health::assess(*site_, state_, clock_.now());
    response.body = health.to_json(*site_);
    if (health.is_red) response.status = Status::service_unavailable;
  } else if (request.endpoint == "ready") {
    const auto checks = check_everything(*site_, state_, clock_.now());
    response.body = readiness_json(*site_, checks);
    if (is_any_failing(checks)) response.status = Status::service_unavailable;
  } else if (request.endpoint == "live") {
    response.body = liveness_json();
  } else if (request.endpoint == "metrics") {
    response.body = metrics_text(*site_, state_, clock_.now());
    response.content_type = ContentType::metrics;
  } else {
    return false;
  }
  return true;
}

/// What the page's request.endpoint leads to is taken as a blob's URI up to its name, which Fine Uploader
/// makes one of by a slash and a name.
Result<void> App::answer_session(const Request& request, Response& response, Event& event) {
  if (!equals(request.method, "GET")) {
    response.allow = "GET";
    return refuse(Errc::method_not_allowed, "", "only GET is allowed here");
  }
  const auto parsed = SessionRequest::parse(request.query, blob_uri_);
  if (!parsed) return tl::unexpected(parsed.error());
  constexpr std::string_view kSample = "x";
  blob_uri_.append("/").append(kSample);
  event.vars = logged_vars(request);
  auto sample = site_->endpoints().parse(blob_uri_, site_->blob_names(), blob_name_);
  if (!sample) {
    event.blob_uri = blob_uri_;
    sample.error().field = "container";
    return tl::unexpected(sample.error());
  }
  std::string_view folder = sample->blob.view();
  folder.remove_suffix(kSample.size());
  event.account = sample->account;
  event.container = sample->container.view();
  event.folder = folder;
  const Caller caller = caller_of(request);
  const auto lists = site_->policy().list(*sample, folder, caller);
  if (!lists) return tl::unexpected(lists.error());
  if (!session_files_) return never_waits();
  event.rule = lists->front().rule().name;
  if (auto counted = count(lists->front().rule(), caller, event); !counted) return counted;
  auto answered = session_files_->answer(*lists, folder, response, event);
  if (answered) further_events_ = session_files_->given();
  return answered;
}

Result<void> App::answer_success(const Request& request, Response& response, Event& event) {
  const bool put_allowed = site_->success().accept_put;
  if (request.method != "POST" && !(put_allowed && request.method == "PUT")) {
    response.allow = put_allowed ? "POST, PUT" : "POST";
    return refuse(Errc::method_not_allowed, "", "this HTTP method is not allowed here");
  }
  const auto upload = read_callback(request);
  if (!upload) return tl::unexpected(upload.error());
  blob_uri_ = upload->blob_uri();
  const auto granted = grant(blob_uri_, BlobVerb::put, request, event);
  if (!granted) return tl::unexpected(granted.error());
  if (!acceptance_) return never_waits();
  return acceptance_->answer(*granted, *upload, request, response, event);
}

Result<UploadSuccess> App::read_callback(const Request& request) const {
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
  return UploadSuccess::parse(request.body, site_->success().limits);
}

}  // namespace blobvalet
