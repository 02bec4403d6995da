#include "core/blob_service.hpp"

#include "core/azure_authorization.hpp"
#include "core/azure_error_code.hpp"
#include "core/http_date.hpp"
#include "core/preflight.hpp"
#include "core/token_request.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

constexpr std::string_view kServiceVersion = "2023-11-03";
constexpr std::string_view kQuery = "restype=service&comp=properties";

std::string_view text_of(const SecretBytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.reveal().data()), bytes.size()};
}

std::string_view advice_on(std::string_view code) {
  if (code == "AuthenticationFailed")
    return "; it is no key of this account, or this machine's clock is wrong";
  if (code == "KeyBasedAuthenticationNotPermitted") return "; the account does not allow Shared Key";
  if (code == "AuthorizationPermissionMismatch")
    return "; the identity needs the role Storage Account Contributor, the SAS ss=b, srt=s and sp=rw";
  if (code == "AuthorizationFailure")
    return "; the account's network rules may not let this machine in (emulators say so of a wrong key)";
  return {};
}

}  // namespace

tl::expected<std::string, std::string> BlobService::properties() {
  HttpCall call;
  return send(call, 200);
}

tl::expected<void, std::string> BlobService::set_properties(const std::string& xml) {
  HttpCall call;
  call.method = "PUT";
  call.body = xml;
  call.headers.emplace_back("Content-Type: application/xml");
  const auto answer = send(call, 202);
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

tl::expected<std::string, std::string> BlobService::send(HttpCall& call, int expected_status) {
  const Wiper wiper(call);
  const EndpointUrl& endpoint = account_.endpoints.front();
  call.ca_file = account_.requests.ca_file;
  call.connect_timeout = std::chrono::seconds(3);
  call.timeout = std::chrono::seconds(10);
  call.headers.push_back("x-ms-version: " + std::string(kServiceVersion));
  call.url.reserve(4096);  // a SAS is not to be left behind in a smaller buffer
  call.url.append(endpoint.url()).append("/?").append(kQuery);
  if (const auto* key = std::get_if<std::shared_ptr<const SigningKey>>(&credential_)) {
    call.headers.push_back("x-ms-date: " + http_date(clock_.now()));
    HmacSha256 hmac(secret_of(**key));
    sign_with_shared_key(call, account_.name, endpoint.path + "/", kQuery, hmac);
  } else if (const auto* token = std::get_if<BearerToken>(&credential_)) {
    add_secret_header(call, "Authorization: Bearer ", text_of(token->text));
  } else {
    call.url.append("&").append(text_of(std::get<AccountSas>(credential_).query));
  }
  const auto answer = http_.send(call);
  wipe(call.url);
  if (!answer) return tl::unexpected(account_.name + ": " + std::string(describe(answer.error())));
  if (answer->status == expected_status) return answer->body;
  std::string reason = account_.name + ": Azure answered " + std::to_string(answer->status);
  if (const auto code = known_error_code(*answer))
    reason.append(" ").append(code->view()).append(advice_on(code->view()));
  return tl::unexpected(std::move(reason));
}

}  // namespace blobvalet
