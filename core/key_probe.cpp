#include "core/key_probe.hpp"

#include <algorithm>

#include "core/azure_authorization.hpp"
#include "core/azure_error_code.hpp"
#include "core/base64.hpp"
#include "core/clock_skew.hpp"
#include "core/hmac.hpp"
#include "core/http_date.hpp"
#include "core/http_retry.hpp"
#include "core/sas_fields.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;
using Kind = KeyVerdict::Kind;

// Known to sovereign clouds and old emulators, too.
constexpr std::string_view kServiceVersion = "2023-11-03";
/// The service refuses a Shared Key that was signed longer ago, or later than now ("Authorize with Shared
/// Key").
constexpr std::chrono::minutes kToleratedSkew{15};
constexpr seconds kProbeLifetime{60};
constexpr std::string_view kNoSuchBlob = "blobvalet-asks-whether-its-key-works";

HttpCall new_call(const Account& account) {
  HttpCall call;
  call.method = "HEAD";
  call.ca_file = account.requests.ca_file;
  call.connect_timeout = seconds(3);
  call.timeout = seconds(10);
  return call;
}

HttpCall account_call(const Account& account, const AccountKey& key, UtcSeconds now) {
  constexpr std::string_view kQuery = "restype=account&comp=properties";
  const EndpointUrl& endpoint = account.endpoints.front();
  HttpCall call = new_call(account);
  call.url.append(endpoint.url()).append("/?").append(kQuery);
  call.headers = {"x-ms-version: " + std::string(kServiceVersion), "x-ms-date: " + http_date(now)};
  HmacSha256 hmac(key.bytes());
  sign_with_shared_key(call, account.name, endpoint.path + "/", kQuery, hmac);
  return call;
}

HttpCall delegation_call(const Account& account, const Rule& rule, const UserDelegationKey& key,
                         UtcSeconds now) {
  const UtcText expiry(std::min(now + kProbeLifetime, key.not_after));
  SasFields fields;
  fields.version = &rule.sas.version;
  fields.permissions = "r";
  fields.expiry = expiry.view();
  fields.account = account.name;
  fields.container = rule.container;
  fields.blob = kNoSuchBlob;
  fields.protocol = rule.sas.protocol;
  const DelegationKeyFields delegation = key.fields();
  std::string text;
  append_string_to_sign(text, fields, delegation);
  const auto signature = encode_base64(HmacSha256(key.value)(text));

  HttpCall call = new_call(account);
  call.url.append(account.endpoints.front().url()).append("/").append(rule.container);
  call.url.append("/").append(kNoSuchBlob).append("?");
  append_sas_query(call.url, fields, &delegation, {signature.data(), signature.size()});
  return call;
}

// A proxy in between may answer 200 or 404, too, but not these headers.
bool is_account(const HttpAnswer& answer) {
  return answer.status == 200 && !answer.header("x-ms-account-kind").empty();
}
bool is_missing_blob(const HttpAnswer& answer) {
  const std::string_view code = answer.header("x-ms-error-code");
  return answer.status == 404 && (code == "BlobNotFound" || code == "ContainerNotFound");
}

std::string_view reason_for(HttpFailure failure) {
  switch (failure) {
    case HttpFailure::unreachable: return "Azure cannot be reached";
    case HttpFailure::timed_out: return "Azure did not answer in time";
    case HttpFailure::untrusted: return "the certificate of the account's endpoint is not trusted";
    case HttpFailure::too_large: return "the endpoint's answer is too large";
    case HttpFailure::malformed: break;
  }
  return "the endpoint does not speak HTTP";
}

std::string_view advice_on(std::string_view code) {
  if (code == "KeyBasedAuthenticationNotPermitted") return "; the account does not allow Shared Key";
  if (code == "AuthorizationFailure")
    return "; the account's network rules may not let this machine in (emulators say so of a wrong key)";
  if (code == "AuthorizationPermissionMismatch") return "; the identity may not read blobs in this container";
  if (code == "AccountIsDisabled") return "; the account is disabled";
  return {};
}

KeyVerdict judge_refusal(const HttpAnswer& answer, std::optional<seconds> skew) {
  const auto known = known_error_code(answer);
  const std::string_view code = known ? known->view() : std::string_view();
  std::string reason = "Azure answered " + std::to_string(answer.status);
  if (!code.empty()) reason.append(" ").append(code).append(advice_on(code));
  if (code == "AuthenticationFailed" && skew && std::chrono::abs(*skew) >= kToleratedSkew)
    return {Kind::unknown, reason + "; this machine's clock is wrong", skew};
  if (code == "AuthenticationFailed") return {Kind::wrong, reason + "; it is no key of this account", skew};
  const bool said_no = answer.status == 401 || answer.status == 403;
  return {said_no && !is_transient(answer.status) ? Kind::refused : Kind::unknown, reason, skew};
}

}  // namespace

std::string_view name_of(KeyVerdict::Kind kind) {
  switch (kind) {
    case Kind::works: return "works";
    case Kind::wrong: return "wrong";
    case Kind::refused: return "refused";
    case Kind::unknown: break;
  }
  return "unknown";
}

KeyVerdict KeyProbe::ask(const Config& config, std::size_t account, const SigningKey& key) {
  const UtcSeconds now = clock_.now();
  const Account& owner = config.accounts.at(account);
  if (const auto* account_key = std::get_if<AccountKey>(&key)) {
    HttpCall call = account_call(owner, *account_key, now);
    return send(call, is_account);
  }
  const auto& delegation = std::get<UserDelegationKey>(key);
  if (now < delegation.not_before || now >= delegation.not_after)
    return {Kind::refused, "it is not valid now"};
  const auto rule = std::ranges::find(config.rules, account, &Rule::account_index);
  if (rule == config.rules.end()) return {Kind::unknown, "no rule uses this account"};
  HttpCall call = delegation_call(owner, *rule, delegation, now);
  return send(call, is_missing_blob);
}

KeyVerdict KeyProbe::send(HttpCall& call, bool (*accepts)(const HttpAnswer&)) {
  const Wiper wiper(call);
  const UtcSeconds before = clock_.now();
  const auto answer = http_.send(call);
  wipe(call.url);
  if (!answer) return {Kind::unknown, std::string(reason_for(answer.error()))};
  const auto skew = clock_skew_in(*answer, before, clock_.now());
  if (accepts(*answer)) return {Kind::works, {}, skew};
  return judge_refusal(*answer, skew);
}

}  // namespace blobvalet
