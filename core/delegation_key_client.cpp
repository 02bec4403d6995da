#include "core/delegation_key_client.hpp"

#include <algorithm>
#include <array>
#include <pugixml.hpp>
#include <utility>

#include "core/azure_error_code.hpp"
#include "core/base64.hpp"
#include "core/http_date.hpp"
#include "core/token_request.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;

// Known to sovereign clouds and old emulators, too; Azure answers with it as SignedVersion.
constexpr std::string_view kServiceVersion = "2023-11-03";
constexpr seconds kDeadline{30};
constexpr unsigned kRetries = 5;

HttpCall call_of(std::string_view account_url, const std::string& ca_file, TimeSpan wanted) {
  HttpCall call;
  call.method = "POST";
  call.url.append(account_url).append("/?restype=service&comp=userdelegationkey");
  call.ca_file = ca_file;
  call.headers = {"x-ms-version: " + std::string(kServiceVersion), "Content-Type: application/xml"};
  call.body.append(R"(<?xml version="1.0" encoding="utf-8"?><KeyInfo><Start>)")
      .append(UtcText(wanted.start).view())
      .append("</Start><Expiry>")
      .append(UtcText(wanted.expiry).view())
      .append("</Expiry></KeyInfo>");
  call.max_answer_bytes = 16384;
  call.connect_timeout = seconds(3);
  call.timeout = seconds(10);
  return call;
}

/// What to do about a refusal, if Azure's own words do not tell.
std::string_view advice_on(int status, std::string_view code) {
  if (code == "AuthorizationPermissionMismatch") {
    return "; the identity needs the role Storage Blob Delegator (or Storage Blob Data Contributor) at the "
           "storage account or above, and a new assignment takes minutes to work";
  }
  if (code == "AuthorizationFailure") return "; the account's network rules may not let this machine in";
  if (status == 404) return "; the endpoint may not be that of a storage account";
  return {};
}

/// A refusal of the token itself. A new one may be taken.
bool is_about_token(int status, std::string_view code) {
  return status == 401 || code == "AuthenticationFailed";
}

IdentityFailure refusal(const HttpAnswer& answer, UtcSeconds now) {
  const auto known = known_error_code(answer);
  const std::string_view code = known ? known->view() : std::string_view();
  IdentityFailure failure;
  failure.reason = "Azure answered " + std::to_string(answer.status);
  if (!code.empty()) failure.reason.append(" ").append(code);
  failure.reason.append(" to the request for a user delegation key").append(advice_on(answer.status, code));
  failure.is_unauthorized = is_about_token(answer.status, code);
  const bool may_pass = answer.status >= 500 || is_transient(answer.status) || failure.is_unauthorized ||
                        code == "AuthorizationPermissionMismatch";
  failure.is_final = !may_pass;
  const auto wait = retry_after(answer, now).value_or(std::chrono::milliseconds(0));
  failure.retry_after = std::chrono::ceil<seconds>(wait);
  return failure;
}

bool is_guid_like(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, allowed);
}

/// An element of the answer, where it goes, and what it has to be.
struct Element {
  const char* name;
  std::string UserDelegationKey::*place;
  bool (*is_sound)(std::string_view);
};
constexpr std::array<Element, 6> kElements{{
    {"SignedOid", &UserDelegationKey::object_id, is_guid_like},
    {"SignedTid", &UserDelegationKey::tenant_id, is_guid_like},
    {"SignedStart", &UserDelegationKey::start,
     [](std::string_view text) { return parse_utc(text).has_value(); }},
    {"SignedExpiry", &UserDelegationKey::expiry,
     [](std::string_view text) { return parse_utc(text).has_value(); }},
    {"SignedService", &UserDelegationKey::service, [](std::string_view text) { return text == "b"; }},
    {"SignedVersion", &UserDelegationKey::version,
     [](std::string_view text) { return parse_date(text).has_value(); }},
}};

/// The text of the one child of this name; nothing if there is none or another, or if it holds elements.
std::optional<std::string_view> text_of(const pugi::xml_node& parent, const char* name) {
  const pugi::xml_node child = parent.child(name);
  if (!child || child.next_sibling(name)) return std::nullopt;
  const pugi::xml_node text = child.first_child();
  if (text.type() != pugi::node_pcdata || text.next_sibling()) return std::nullopt;
  return text.value();
}

tl::unexpected<std::string> unsound(const char* name) {
  return tl::unexpected(std::string(name) + " is missing or not what it has to be");
}

tl::expected<UserDelegationKey, std::string> read_elements(const pugi::xml_node& root) {
  UserDelegationKey key;
  for (const Element& element : kElements) {
    const auto text = text_of(root, element.name);
    if (!text || !element.is_sound(*text)) return unsound(element.name);
    key.*element.place = *text;
  }
  auto value = decode_base64(text_of(root, "Value").value_or(""));
  if (!value || value->size() < 16 || value->size() > 64) return unsound("Value");
  key.value = std::move(*value);
  key.not_before = *parse_utc(key.start);
  key.not_after = *parse_utc(key.expiry);
  return key;
}

/// Parses in place: texts stay in `xml`, and none is copied. Entities are not expanded.
bool parse(pugi::xml_document& document, std::string& xml) {
  if (xml.find('\0') != std::string::npos || xml.find("<!") != std::string::npos) return false;
  const auto result =
      document.load_buffer_inplace(xml.data(), xml.size(), pugi::parse_minimal, pugi::encoding_utf8);
  return result.status == pugi::status_ok;
}

}  // namespace

tl::expected<FetchedDelegationKey, IdentityFailure> DelegationKeyClient::fetch(std::string_view account_url,
                                                                               const std::string& ca_file,
                                                                               const AccessToken& token,
                                                                               TimeSpan wanted) {
  if (!is_confidential_url(account_url)) {
    return misconfigured("user delegation keys need an account's endpoint with https");
  }
  HttpCall call = call_of(account_url, ca_file, wanted);
  const Wiper call_wiper(call);
  add_secret_header(call, "Authorization: Bearer ", reveal_text(token.text));
  auto outcome = sender_.send(call, timer_.now() + kDeadline, kRetries);
  if (!outcome) return tl::unexpected(no_answer("the account's blob endpoint", outcome.error()));
  const Wiper answer_wiper(*outcome);
  const auto server_time = parse_http_date(outcome->header("date"));
  IdentityFailure failure;
  if (outcome->status == 200) {
    auto key = read_delegation_key(outcome->body, wanted, clock_.now());
    if (key) return FetchedDelegationKey{std::move(*key), server_time};
    failure.reason = "Azure's answer is no user delegation key: " + key.error();
  } else {
    failure = refusal(*outcome, clock_.now());
  }
  failure.server_time = server_time;
  return tl::unexpected(std::move(failure));
}

tl::expected<UserDelegationKey, std::string> read_delegation_key(std::string& xml, TimeSpan wanted,
                                                                 UtcSeconds now) {
  const Wiper wiper(xml);
  pugi::xml_document document;
  if (!parse(document, xml)) return tl::unexpected<std::string>("it is no XML that Azure would send");
  const pugi::xml_node root = document.child("UserDelegationKey");
  if (!root || root.next_sibling()) return tl::unexpected<std::string>("it holds something else");
  auto key = read_elements(root);
  if (!key) return key;
  if (key->not_before > now || key->not_after <= now) {
    return tl::unexpected<std::string>("it is not valid now; is the clock right?");
  }
  if (key->not_before < wanted.start || key->not_after > wanted.expiry) {
    return tl::unexpected<std::string>("it is valid for longer than was asked");
  }
  return key;
}

}  // namespace blobvalet
