#include "core/diagnosis.hpp"

#include <rapidjson/document.h>

#include <algorithm>
#include <array>
#include <span>

#include "core/hook_answer.hpp"
#include "core/json_text.hpp"
#include "core/object_reader.hpp"
#include "core/preflight.hpp"

namespace blobvalet {
namespace {

std::string_view name_of(Link::State state) {
  switch (state) {
    case Link::State::ok: return "ok";
    case Link::State::fails: return "fails";
    case Link::State::not_tested: break;
  }
  return "not tested";
}

/// A refusal's code, what it means, and what to do.
struct Cause {
  std::string_view code;
  const char* what;
  const char* mend;
};

const Cause* cause_of(std::span<const Cause> causes, std::string_view code) {
  const auto found = std::ranges::find(causes, code, &Cause::code);
  return found == causes.end() ? nullptr : &*found;
}

/// An answer's status, and the code of the refusal.
std::string described(const HttpAnswer& answer, std::string_view code) {
  std::string text = "the answer is " + std::to_string(answer.status);
  return code.empty() ? text : text.append(" ").append(code);
}

constexpr std::array<Cause, 15> kSiteCauses{{
    {"login_required", "nginx vouches for nobody, and no rule lets nobody do this",
     "log in by --header, --cookie or --password-file as the page would; if you have, look at what "
     "$blobvalet_user is set to in the site's server {}"},
    {"not_allowed", "no rule of the workers allows this to the user whom nginx vouches for",
     "is --user the name that nginx knows? compare with \"blobvalet sign --user NAME ...\" and the log"},
    {"unknown_endpoint", "the workers know no account with this endpoint",
     "let the workers and this command use the same configuration"},
    {"bad_blob_name", "the workers refuse the test blob's name",
     "let the workers and this command use the same configuration"},
    {"origin_not_allowed", "the page's origin is not listed",
     "add it to blobvalet/origins.map, reload nginx"},
    {"key_unavailable", "the workers have no user delegation key",
     "start blobvalet-keys.service, and ask \"blobvalet keys status\""},
    {"bad_gateway", "nginx does not reach the workers",
     "compare the upstreams in conf.d/blobvalet.conf with the sockets, and their modes with nginx's user"},
    {"gateway_timeout", "the workers did not answer nginx in time",
     "look at the workers' log and fastcgi_read_timeout"},
    {"rate_limited", "nginx or the workers limit requests", "try again in a minute, or raise the limit"},
    {"busy", "the workers are busy", "try again; if it stays like that, start more workers"},
    {"azure_unavailable", "the callback workers do not reach Azure",
     "do they have network? the signature pool has none by design: callbacks belong to the other one"},
    {"azure_refused", "Azure refuses what the callback workers ask",
     "look for azure_code in the workers' log"},
    {"blob_not_found", "the callback workers do not find the test blob",
     "let the workers and this command use the same account"},
    {"misconfigured", "nginx passes requests in a way that the workers do not understand",
     "use the shipped snippets; the log says what is wrong"},
    {"internal_error", "nginx or a worker failed", "look at nginx's error log and the workers' log"},
}};

/// What any of our endpoints answers, by code and status.
Link judge_refusal(const HttpAnswer& answer, std::string_view user) {
  const std::string code = refusal_code(answer);
  const std::string what = described(answer, code);
  if (answer.status == 401) {
    return Link::fails(what + ": nginx wants a login",
                       user.empty() ? "give --user, and --header, --cookie or --password-file as the page "
                                      "logs in"
                                    : "nginx does not accept this login");
  }
  if (const Cause* cause = cause_of(kSiteCauses, code))
    return Link::fails(what + ": " + cause->what, cause->mend);
  if (answer.status == 404) {
    return Link::fails(what + ": blobvalet is not at this place of the site",
                       "put \"include snippets/blobvalet.conf;\" into this server {}, and reload nginx");
  }
  if (answer.status >= 300 && answer.status < 400) {
    return Link::fails(
        what + ", to somewhere else",
        "Fine Uploader would take the page there for a signature: answer 401 where somebody has "
        "to log in, and give the URL by its final name");
  }
  return Link::fails(what, "look at nginx's error log and the workers' log");
}

constexpr std::array<Cause, 8> kStorageCauses{{
    {"AuthenticationFailed", "Azure does not take the signature",
     "the workers sign with a key of another account or an old one, or a clock is wrong: see the links "
     "above"},
    {"AuthorizationFailure", "the account's network rules do not let this machine in",
     "allow it there, or run the doctor where browsers are; an emulator says so of a wrong key"},
    {"AuthorizationPermissionMismatch", "the signature has too few letters, or its identity too few rights",
     "give the identity the role Storage Blob Data Contributor for the container"},
    {"AuthorizationProtocolMismatch", "the signature is good for https only",
     "use an https endpoint, or set sas.protocol to https,http for an emulator"},
    {"AuthorizationSourceIPMismatch", "the signature is good for other addresses only",
     "Azure sees another address than nginx does: look at sas.bind_client_ip and sas.ip_range"},
    {"KeyBasedAuthenticationNotPermitted", "the account does not allow Shared Key",
     "allow it, or let the account have an identity"},
    {"AccountIsDisabled", "the account is disabled", "look at the subscription"},
    {"ContainerNotFound", "there is no such container", "create it"},
}};

}  // namespace

void Diagnosis::add(std::string_view name, Link link) {
  entries_.push_back({std::string(name), std::move(link)});
}

std::optional<std::string> Diagnosis::broken(std::initializer_list<std::string_view> names) const {
  for (const std::string_view name : names) {
    for (const Entry& entry : entries_) {
      if (entry.name == name && entry.link.state != Link::State::ok) return entry.name;
    }
  }
  return std::nullopt;
}

bool Diagnosis::fails(std::string_view name) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.name == name && entry.link.state == Link::State::fails;
  });
}

bool Diagnosis::is_fine() const {
  return std::ranges::none_of(entries_,
                              [](const Entry& entry) { return entry.link.state == Link::State::fails; });
}

std::string Diagnosis::to_text() const {
  constexpr std::size_t kNameWidth = 15;
  constexpr std::size_t kStateWidth = 12;
  std::string text;
  for (const auto& [name, link] : entries_) {
    std::string line = name + std::string(kNameWidth - std::min(name.size(), kNameWidth - 1), ' ');
    line.append(name_of(link.state));
    line.append(kNameWidth + kStateWidth - std::min(line.size(), kNameWidth + kStateWidth - 1), ' ');
    text.append(line).append(link.detail).append("\n");
    if (!link.mend.empty()) text.append(kNameWidth, ' ').append("mend: ").append(link.mend).append("\n");
  }
  return text;
}

std::string Diagnosis::to_json() const {
  JsonText json;
  json.begin_object();
  json.boolean("ok", is_fine());
  json.begin_array("links");
  for (const auto& [name, link] : entries_) {
    json.begin_object();
    json.text("link", name);
    json.text("state", name_of(link.state));
    json.text("detail", link.detail);
    if (!link.mend.empty()) json.text("mend", link.mend);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

Link judge_health(std::string_view body, std::string_view revision) {
  rapidjson::Document document;
  document.Parse(body.data(), body.size());
  const ObjectReader health(document.HasParseError() ? nullptr : &document, "");
  const auto status = health.text("status");
  if (!status) {
    return Link::fails("the answer is not a worker's health",
                       "is it blobvalet that listens on this socket, and of this version?");
  }
  const std::string running = health.text("configuration").value_or("");
  if (!revision.empty() && running != revision) {
    return Link::fails(
        "the workers run configuration " + running + ", the file and its keys are " + std::string(revision),
        "look for configuration faults in the workers' log, or reload them; or give the "
        "workers' file by --config");
  }
  std::string problems;
  for (const std::string& problem : health.texts("problems"))
    problems.append(problems.empty() ? "" : "; ").append(problem);
  if (*status == "failing") return Link::fails("a worker says: " + problems, "see blobvalet keys status");
  return Link::ok("a worker answers, version " + health.text("version").value_or("") + ", configuration " +
                  running + (problems.empty() ? "" : "; it says: " + problems));
}

Link judge_signature(const HttpAnswer& answer, std::string_view blob_url, std::string_view user) {
  if (answer.status != 200) return judge_refusal(answer, user);
  const std::string_view uri = answer.body;
  const bool is_uri = uri.starts_with(blob_url) && uri.substr(blob_url.size(), 1) == "?" &&
                      uri.find("sig=") != std::string_view::npos;
  if (is_uri) return Link::ok("nginx hands on a signature");
  return Link::fails(
      "the answer is 200, but no signature for the test blob",
      "is it a page that asks for a login? answer 401 there; or does the site encode blob names?");
}

Link judge_container(const HttpAnswer& answer, std::string_view account, std::string_view container) {
  if (answer.header("x-ms-error-code") == "ContainerNotFound") {
    return Link::fails("the account has no container " + std::string(container),
                       "az storage container create --account-name " + std::string(account) + " --name " +
                           std::string(container));
  }
  if (answer.status == 201) return Link::ok(std::string(container) + " exists");
  return Link::not_tested("the account refuses the upload before it looks for " + std::string(container));
}

Link judge_storage(const HttpAnswer& answer, int expected) {
  if (answer.status == expected) return Link::ok("the account answers " + std::to_string(expected));
  const std::string_view code = answer.header("x-ms-error-code");
  const Cause* cause = cause_of(kStorageCauses, code);
  if (cause == nullptr) {
    return Link::fails(described(answer, code.substr(0, 64)),
                       "see \"Blob service error codes\", learn.microsoft.com");
  }
  return Link::fails(described(answer, cause->code) + ": " + cause->what, cause->mend);
}

Link judge_callback(const HttpAnswer& answer, std::string_view user) {
  const std::string code = refusal_code(answer);
  if (answer.status >= 200 && answer.status <= 204) return Link::ok("the workers accept the test blob");
  const bool got_through =
      code == "hook_unavailable" || code == "hook_refused" || code == "event_store_unavailable";
  if (got_through) return Link::ok("the workers accept the test blob; see hook");
  if (answer.status == 422 && code != "blob_not_found") {
    return Link::fails(described(answer, code) + ": the rule wants other files than the test blob",
                       "give one that it accepts by --file and --content-type");
  }
  return judge_refusal(answer, user);
}

Link unreachable(HttpFailure failure, std::string_view who) {
  return Link::fails(std::string(who) + ": " + std::string(describe(failure)),
                     "is it down, or does a firewall stand between?");
}

Link judge_session(const HttpAnswer& answer, std::string_view name, std::string_view user) {
  if (answer.status != 200) return judge_refusal(answer, user);
  if (!answer.body.starts_with('[')) {
    return Link::fails("the answer is 200, but no list of files",
                       "is it a page that asks for a login? answer 401 there");
  }
  if (answer.body.find("\"blobName\":" + json_string(name)) != std::string::npos)
    return Link::ok("the test blob is among the earlier uploads");
  return Link::fails("the test blob is not among the earlier uploads",
                     "let the workers and this command use the same configuration; are there more blobs than "
                     "session.max_blobs?");
}

Link judge_hook(const HttpAnswer& answer) {
  const std::string code = refusal_code(answer);
  if (code == "hook_unavailable") {
    return Link::fails("the application does not answer, or nothing that can be used",
                       "start it; look for hook_status in the workers' log");
  }
  if (code == "event_store_unavailable") {
    return Link::fails("the workers cannot store events", "look at success.hook.store and the workers' log");
  }
  if (code == "hook_refused" || (answer.status >= 400 && answer.status < 500)) {
    return Link::fails(described(answer, code) + ": the application refuses the test blob",
                       "let it accept files of --user; its log says why it does not");
  }
  return Link::ok("the application accepts the test blob");
}

std::string refusal_code(const HttpAnswer& answer) {
  rapidjson::Document document;
  document.Parse(answer.body.data(), answer.body.size());
  const ObjectReader refusal(document.HasParseError() ? nullptr : &document, "");
  const std::string code = refusal.text("code").value_or("");
  const auto is_name = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  return code.size() <= 32 && std::ranges::all_of(code, is_name) ? code : std::string();
}

}  // namespace blobvalet
