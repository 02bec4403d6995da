#include "core/request_explanation.hpp"

#include <algorithm>
#include <array>

#include "core/ascii.hpp"
#include "core/blob_check.hpp"
#include "core/decimal.hpp"
#include "core/form_urlencoded.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_url.hpp"

namespace blobvalet {
namespace {

using Level = Finding::Level;

/// What the log's codes mean to an operator; README's table says the same in other words.
struct CodeRow {
  std::string_view code;
  std::string_view told;  ///< what the client read
  std::string_view mend;
};
constexpr std::array kCodes{
    CodeRow{"bad_request", "what is malformed",
            "a page's or proxy's bug; a hint, or with bind_request a value, no request can have"},
    CodeRow{"missing_parameter", "the parameter's name",
            "the two endpoints on the page; with bind_request, load "
            "blobvalet.js"},
    CodeRow{"duplicate_parameter", "the parameter's name", "a form field with the name of another"},
    CodeRow{"bad_encoding", "where the escape or UTF-8 is malformed", "encode names as UTF-8, once"},
    CodeRow{"bad_method", "_method: must be PUT or DELETE", "a page's bug"},
    CodeRow{"bad_uuid", "uuid: is not of the form 8-4-4-4-12", "leave setUuid to real UUIDs"},
    CodeRow{"unknown_endpoint", "bloburi: is not at an endpoint of this site",
            "request.endpoint, accounts[].endpoint and aliases, a form's action"},
    CodeRow{"not_allowed", "bloburi: is not allowed",
            "the rules: see the log's reason, and what each says of it now"},
    CodeRow{"bad_blob_name", "what is wrong with the name",
            "the name; a slash at the end of request.endpoint makes an empty segment"},
    CodeRow{"login_required", "log in first",
            "nginx passes no user: $blobvalet_user, auth_request, the session cookie"},
    CodeRow{"origin_not_allowed", "this page's origin is not allowed", "/etc/nginx/blobvalet/origins.map"},
    CodeRow{"hook_refused", "the application's own words", "the application, which said no"},
    CodeRow{"method_not_allowed", "this HTTP method is not allowed",
            "GET for signatures and sessions, POST for callbacks"},
    CodeRow{"body_too_large", "body: is too large",
            "success.max_body_bytes and client_max_body_size, or fewer parameters"},
    CodeRow{"too_many_fields", "the form has too many fields", "success.max_fields, or fewer parameters"},
    CodeRow{"unsupported_media_type", "Content-Type must be a form's in UTF-8", "uploadSuccess.method"},
    CodeRow{"blob_not_found", "blob: was not uploaded", "the upload failed, or the blob is deleted already"},
    CodeRow{"blob_type_not_allowed", "blob: is not a block blob",
            "somebody used the SAS for a page or append blob"},
    CodeRow{"copy_incomplete", "blob: is a copy that is not complete", "somebody used the SAS for a copy"},
    CodeRow{"blob_too_small", "blob: is too small", "verify.min_bytes, and validation on the page"},
    CodeRow{"blob_too_large", "blob: is too large", "verify.max_bytes, and validation on the page"},
    CodeRow{"size_mismatch", "blob: is not as long as the file", "verify.size_parameter"},
    CodeRow{"md5_mismatch", "blob: does not have the MD5 of the file", "the page's Content-MD5"},
    CodeRow{"content_type_not_allowed", "blob: is of a type that is not allowed", "verify.content_types"},
    CodeRow{"extension_not_allowed", "blob: has a file name extension that is not allowed",
            "verify.extensions"},
    CodeRow{"filename_missing", "blob: has no metadata qqfilename", "verify.require_filename"},
    CodeRow{"content_mismatch", "blob: does not hold what its type says", "verify.magic"},
    CodeRow{"busy", "too many callbacks at once; try again", "server.threads, WORKERS="},
    CodeRow{"rate_limited", "too many requests; try again later", "rules[].limit, or limit_req of nginx"},
    CodeRow{"limits_unavailable", "uploads are not possible now; try again later",
            "the store of rate limits: limits.store, and limits.when_unavailable"},
    CodeRow{"azure_unavailable", "the upload cannot be checked now, or the files cannot be listed now",
            "retries help; the network to Azure"},
    CodeRow{"azure_refused", "the upload cannot be checked now, or the files cannot be listed now",
            "the log's reason: wrong key, firewall, clock"},
    CodeRow{"hook_unavailable", "the application cannot be asked now", "the application and its log"},
    CodeRow{"event_store_unavailable", "the event could not be stored", "the log's reason: disk, Redis"},
    CodeRow{"key_unavailable", "uploads are not possible now; try again later",
            "blobvalet keys status; journalctl -u blobvalet-keys; the clock"},
    CodeRow{"internal_error", "internal error", "a bug of blobvalet's: the lines before this one"},
    CodeRow{"misconfigured", "the web server is misconfigured", "use the shipped nginx snippets"},
};

void add(RequestExplanation& explanation, Level level, std::string_view field, std::string what) {
  explanation.findings.push_back({level, std::string(field), std::move(what)});
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

bool has_escape(std::string_view text) {
  return decoded_or_same(text) != text;
}

/// Scheme and authority, and what follows.
std::pair<std::string, std::string_view> split_origin(std::string_view uri) {
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos) return {"", uri};
  const std::size_t path = std::min(uri.find('/', scheme + 3), uri.size());
  return {lower_case(uri.substr(0, path)), uri.substr(path)};
}

std::string_view host_of(std::string_view origin) {
  const std::size_t scheme = origin.find("://");
  return scheme == std::string_view::npos ? origin : origin.substr(scheme + 3);
}

/// The fewest insertions, removals and replacements that make `b` of `a`.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

/// Why no endpoint fits, held against each that there is.
void explain_endpoint(RequestExplanation& explanation, std::string_view uri, const SiteRules& rules) {
  constexpr std::size_t kAlike = 3;
  const auto [origin, rest] = split_origin(uri);
  if (origin.empty()) {
    return add(explanation, Level::fault, "bloburi", "is no URL: request.endpoint must begin with https://");
  }
  std::string all;
  for (const Account& account : rules.accounts()) {
    for (const EndpointUrl& endpoint : account.endpoints) {
      all.append(all.empty() ? "" : ", ").append(endpoint.url());
      if (endpoint.origin == origin) {
        return add(explanation, Level::fault, "bloburi",
                   "is on the host of account " + account.name + ", whose endpoint goes on with " +
                       quoted(endpoint.path + "/"));
      }
      if (host_of(endpoint.origin) == host_of(origin)) {
        return add(explanation, Level::fault, "bloburi",
                   "has another scheme than the endpoint of account " + account.name + ", " + endpoint.url());
      }
      if (distance(host_of(endpoint.origin), host_of(origin)) <= kAlike) {
        add(explanation, Level::warning, "bloburi",
            "its host " + quoted(host_of(origin)) + " differs a little from " +
                quoted(host_of(endpoint.origin)) + " of account " + account.name);
      }
    }
  }
  add(explanation, Level::fault, "bloburi",
      "is at none of the endpoints " + all + "; another name of an account goes into accounts[].aliases");
}

/// What looks odd in a name that is legal.
void remark_on_name(RequestExplanation& explanation, std::string_view written, std::string_view name,
                    BlobNames names) {
  if (names == BlobNames::raw && has_escape(name)) {
    add(explanation, Level::warning, "blob",
        "has " + quoted(name) +
            " for its very name, since blob_names is raw; a page that encodes names needs "
            "blob_names uri");
  }
  if (names == BlobNames::uri && has_escape(name)) {
    add(explanation, Level::warning, "blob",
        "is " + quoted(name) +
            " once it is decoded, which still holds an escape: has the page encoded it twice?");
  }
  if (name.ends_with('/') || name.starts_with('/') || name.find("//") != std::string_view::npos) {
    add(explanation, Level::warning, "blob", "has an empty segment: does request.endpoint end with a slash?");
  }
  if (written.find("sig=") != std::string_view::npos) {
    add(explanation, Level::warning, "blob", "holds a SAS: the page took a signed URL for a name");
  }
}

std::string joined_containers(const SiteRules& rules, std::size_t account) {
  std::string text;
  for (const Rule& rule : rules.policy().rules()) {
    if (rule.account_index != account || text.find(rule.container) != std::string::npos) continue;
    text.append(text.empty() ? "" : ", ").append(rule.container);
  }
  return text.empty() ? "none" : text;
}

/// What the deciding rule says of the file, as far as its name and the page tell.
void explain_checks(RequestExplanation& explanation, const Rule& rule, const BlobTarget& target,
                    const UploadHints& hints) {
  if (!rule.verify.enabled) return;
  const auto broken = broken_rule(rule.verify, target.blob.view(), hints);
  if (!broken) return;
  add(explanation, Level::fault, broken->field.view(),
      std::string(broken->what.view()) + ", says verify of rule " + rule.name);
}

void explain_rules(RequestExplanation& explanation, const BlobTarget& target, BlobVerb verb,
                   const AskedRequest& asked, const SiteRules& rules) {
  const Caller& caller = asked.caller;
  const auto opinions = rules.policy().opinions(target, verb, caller);
  bool decided = false;
  for (const auto& [rule, objection] : opinions) {
    RuleRemark remark;
    remark.verb = name_of(verb);
    remark.rule = rule->name;
    for (const NamePattern& pattern : rule->blobs)
      remark.patterns.append(remark.patterns.empty() ? "" : ", ").append(pattern.text_for(caller));
    remark.objection = objection.view();
    remark.decides = objection.empty() && !decided;
    decided |= remark.decides;
    if (remark.decides && verb == BlobVerb::put) explain_checks(explanation, *rule, target, asked.hints);
    explanation.rules.push_back(std::move(remark));
  }
  if (opinions.empty()) {
    add(explanation, Level::fault, "container",
        "no rule is for " + std::string(target.container.view()) + " of " + std::string(target.account) +
            "; there are rules for " + joined_containers(rules, target.account_index));
  } else if (!decided) {
    add(explanation, Level::fault, "rules",
        std::string(name_of(verb)) + " is allowed by no rule for this container");
  }
}

/// Rules and the name of one blob that is ours.
void explain_target(RequestExplanation& explanation, const BlobTarget& target, const AskedRequest& asked,
                    const SiteRules& rules) {
  explanation.parts.emplace_back("account", target.account);
  if (!target.endpoint_url.empty()) explanation.parts.emplace_back("endpoint", target.endpoint_url);
  if (target.endpoint_url != target.account_url) {
    explanation.parts.emplace_back("", "an alias of " + std::string(target.account_url));
  }
  explanation.parts.emplace_back("container", target.container.view());
  explanation.parts.emplace_back("blob", target.blob.view());
  remark_on_name(explanation, asked.blob_uri, target.blob.view(), rules.blob_names());
  for (const BlobVerb verb : asked.verbs)
    explain_rules(explanation, target, verb, asked, rules);
}

/// Where the log's line has the parts and not the URL.
void explain_logged_target(RequestExplanation& explanation, const LoggedRequest& line,
                           const AskedRequest& asked, const SiteRules& rules) {
  const auto account = rules.find_account(line.account);
  const auto container = ContainerName::parse(line.container);
  const auto blob = BlobName::parse(line.blob);
  if (!account) return add(explanation, Level::fault, "account", "is not configured (any more)");
  if (!container || !blob) return;
  explain_target(explanation, {*account, rules.accounts()[*account].name, {}, {}, *container, *blob}, asked,
                 rules);
}

struct ComplaintRow {
  std::string_view text;  ///< in lower case
  std::string_view field;
  std::string_view what;
};
constexpr std::string_view kCors =
    "the browser did not let the page see the answer, which is what it does if a CORS rule is missing: a "
    "preflight "
    "that fails (403 CorsPreflightFailure), or an answer without Access-Control-Allow-Origin. Azure's "
    "refusals "
    "carry that header for an allowed origin, so a 403 without it is a CORS fault, whatever else is wrong. "
    "`blobvalet cors test` sends the preflights that Fine Uploader causes: PUT and DELETE from each origin, "
    "with "
    "content-type, x-ms-blob-type, x-ms-blob-content-type and x-ms-meta-*. If it passes: was the network "
    "away, "
    "or is the page https and the endpoint http?";
constexpr std::array kComplaints{
    ComplaintRow{"access-control-allow-origin", "cors", kCors},
    ComplaintRow{"blocked by cors", "cors", kCors},
    ComplaintRow{"cross-origin request blocked", "cors", kCors},
    ComplaintRow{"preflight", "cors", kCors},
    ComplaintRow{"network error", "cors", kCors},
    ComplaintRow{"networkerror", "cors", kCors},
    ComplaintRow{"failed to fetch", "cors", kCors},
    ComplaintRow{"net::err_failed", "cors", kCors},
    ComplaintRow{"status 0", "cors", kCors},
    ComplaintRow{"status code 0", "cors", kCors},
    ComplaintRow{"status: 0", "cors", kCors},
    ComplaintRow{
        "problem communicating with local server", "signature",
        "Fine Uploader says so of every refused signature; the reason is in blobvalet's log and in the "
        "answer's `error`. Without a line in the log the request has not come through nginx"},
    ComplaintRow{
        "problem sending file to azure", "signature",
        "what the signature endpoint answered is no SAS URL: a login page behind a redirect, for one"},
    ComplaintRow{
        "connect() to unix:", "nginx",
        "no worker listens on the socket: systemctl status 'blobvalet-*'; (2) no such file: not started; "
        "(111) refused: ended; (13) permission: nginx's user is not in the socket's group"},
    ComplaintRow{"upstream timed out", "nginx",
                 "a worker took longer than fastcgi_read_timeout: Azure or the "
                 "application is slow, or workers are stopped"},
    ComplaintRow{"upstream prematurely closed", "nginx",
                 "a worker died: its lines in journalctl -u 'blobvalet-*'"},
    ComplaintRow{"client intended to send too large body", "nginx",
                 "client_max_body_size is smaller than the callback; see success.max_body_bytes"},
    ComplaintRow{"mixed content", "page", "a page over https may not call an http endpoint"},
};

}  // namespace

bool RequestExplanation::has_fault() const {
  return std::ranges::any_of(findings, [](const Finding& f) { return f.level == Level::fault; });
}

RequestExplanation explain_request(const AskedRequest& asked, const SiteRules* rules) {
  RequestExplanation explanation;
  if (rules == nullptr) {
    std::string_view name = split_origin(asked.blob_uri).second;
    if (name.starts_with('/')) name.remove_prefix(1);
    remark_on_name(explanation, asked.blob_uri, name, BlobNames::raw);
    return explanation;
  }
  std::string decoded;
  const auto target = rules->endpoints().parse(asked.blob_uri, rules->blob_names(), decoded);
  if (target) {
    explain_target(explanation, *target, asked, *rules);
    return explanation;
  }
  const Error& error = target.error();
  if (error.errc == Errc::unknown_endpoint) {
    explain_endpoint(explanation, asked.blob_uri, *rules);
    return explanation;
  }
  std::string what(error.what.view());
  if (!error.log_reason.empty()) what.append(": ").append(error.log_reason.view());
  if (error.errc == Errc::not_allowed) what = "holds no legal container name behind the endpoint";
  add(explanation, Level::fault, error.field.view(), std::move(what));
  return explanation;
}

RequestExplanation explain_logged(const LoggedRequest& line, const SiteRules* rules) {
  RequestExplanation explanation;
  const auto* row = std::ranges::find(kCodes, line.code, &CodeRow::code);
  if (line.code == "ok") {
    add(explanation, Level::note, "code", "ok: the request was granted by rule " + std::string(line.rule));
  } else if (row == kCodes.end()) {
    add(explanation, Level::fault, line.code, "a code that this version does not know");
  } else {
    add(explanation, Level::fault, line.code,
        "the client was told " + quoted(row->told) + "; look at: " + std::string(row->mend));
  }
  if (!line.reason.empty()) add(explanation, Level::note, "reason", std::string(line.reason));
  const auto verb = parse_blob_verb(line.verb);
  if (rules == nullptr || !verb) return explanation;
  AskedRequest asked{line.blob_uri, {line.user, line.remote_addr, line.vars}, {*verb}};
  if (line.file_size) asked.hints.size = static_cast<std::uint64_t>(*line.file_size);
  asked.hints.type = line.file_type;
  const std::size_t before = explanation.findings.size();
  if (!line.blob.empty()) explain_logged_target(explanation, line, asked, *rules);
  if (line.blob.empty() && !line.blob_uri.empty()) {
    RequestExplanation now = explain_request(asked, rules);
    std::ranges::move(now.findings, std::back_inserter(explanation.findings));
    explanation.parts = std::move(now.parts);
    explanation.rules = std::move(now.rules);
  }
  const auto is_new_fault = [](const Finding& f) { return f.level == Level::fault; };
  const bool ruled = !explanation.rules.empty() || explanation.findings.size() > before;
  const bool refused_now = std::any_of(explanation.findings.begin() + static_cast<std::ptrdiff_t>(before),
                                       explanation.findings.end(), is_new_fault);
  if (ruled && !refused_now && line.rule.empty() && line.code != "ok") {
    add(explanation, Level::note, "rules", "the rules of now allow what was refused then");
  }
  return explanation;
}

std::optional<RequestExplanation> explain_complaint(std::string_view text) {
  const std::string lower = lower_case(text);
  const auto* row = std::ranges::find_if(kComplaints, [&](const ComplaintRow& complaint) {
    return lower.find(complaint.text) != std::string::npos;
  });
  if (row == kComplaints.end()) return std::nullopt;
  RequestExplanation explanation;
  add(explanation, Level::fault, row->field, std::string(row->what));
  return explanation;
}

std::optional<NginxRequest> NginxRequest::find(std::string_view text) {
  const std::size_t at = text.find("bloburi=");
  const std::size_t query = at == std::string_view::npos ? at : text.rfind('?', at);
  if (query == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(query + 1);
  const std::string_view parameters = rest.substr(0, rest.find_first_of(" \t\""));
  NginxRequest request;
  FormReader reader(parameters);
  while (const auto pair = reader.next()) {
    std::string value;
    if (!append_form_decoded(value, pair->value)) return std::nullopt;
    if (pair->name == "bloburi") request.blob_uri = value;
    if (pair->name == "_method") request.verb = parse_blob_verb(value);
    if (pair->name == "qqsize") request.file_size = parse_decimal(value);
    if (pair->name == "qqtype") request.file_type = value;
  }
  // `10.0.0.1 - alice [26/Nov/2026:…] "GET … HTTP/1.1" 403 …`
  const std::size_t quote = rest.find("\" ");
  if (quote != std::string_view::npos) request.status = rest.substr(quote + 2, 3);
  const std::size_t dash = text.find(" - ");
  if (dash < query && text.find(" [") < query) {
    const std::string_view user = text.substr(dash + 3, text.find(" [") - dash - 3);
    if (user != "-") request.user = user;
  }
  return request;
}

}  // namespace blobvalet
