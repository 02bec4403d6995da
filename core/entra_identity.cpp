#include "core/entra_identity.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/percent_encoding.hpp"
#include "core/token_request.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;
using Fetched = tl::expected<AccessToken, IdentityFailure>;
using Made = tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure>;

constexpr std::array kWaits{seconds(1), seconds(2), seconds(4)};
constexpr RetryPlan kPlan{kWaits, is_throttled_or_failed};

constexpr std::string_view kScope = "https://storage.azure.com/.default";
constexpr std::string_view kAssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Puts the form of a request for tokens together.
class Form {
 public:
  /// Room for all of it at once: a text that grows leaves copies of itself behind.
  Form(std::string& out, std::size_t secret_size) : out_(out) { out_.reserve(1024 + 3 * secret_size); }
  Form& add(std::string_view name, std::string_view value) {
    if (!out_.empty()) out_.append("&");
    out_.append(name).append("=");
    append_query_encoded(out_, value);
    return *this;
  }

 private:
  std::string& out_;
};

/// The token endpoint of an application's tenant.
class TokenEndpoint {
 public:
  TokenEndpoint(EntraApplication application, std::string url, IdentityPorts ports)
      : application_(std::move(application)), url_(std::move(url)), request_(ports) {}

  /// Exchanges a secret, which is the value of the form's parameter `name`.
  [[nodiscard]] Fetched exchange(std::string_view who, std::string_view name, std::string_view secret) {
    HttpCall call;
    const Wiper wiper(call);
    call.method = "POST";
    call.url = url_;
    call.ca_file = application_.ca_file;
    call.headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
    call.connect_timeout = seconds(3);
    call.timeout = seconds(10);
    fill(call.body, name, secret);
    return request_.judge(request_.send(call, kPlan), kPlan, who, secret);
  }

 private:
  void fill(std::string& body, std::string_view name, std::string_view secret) const {
    Form form(body, secret.size() + application_.client_id.size());
    form.add("grant_type", "client_credentials").add("client_id", application_.client_id);
    if (name == "client_assertion") {
      form.add("scope", kScope).add("client_assertion_type", kAssertionType).add(name, secret);
    } else {
      form.add(name, secret).add("scope", kScope);
    }
  }

  EntraApplication application_;
  std::string url_;
  TokenRequest request_;
};

class ClientSecretIdentity final : public TokenFetcher {
 public:
  ClientSecretIdentity(TokenEndpoint endpoint, std::shared_ptr<const SecretBytes> secret)
      : endpoint_(std::move(endpoint)), secret_(std::move(secret)) {}

  [[nodiscard]] Fetched fetch() override {
    return endpoint_.exchange("client secret: the token endpoint", "client_secret", reveal_text(*secret_));
  }

 private:
  TokenEndpoint endpoint_;
  std::shared_ptr<const SecretBytes> secret_;
};

class WorkloadIdentity final : public TokenFetcher {
 public:
  WorkloadIdentity(TokenEndpoint endpoint, std::string token_file, SecretFiles& files)
      : endpoint_(std::move(endpoint)), token_file_(std::move(token_file)), files_(files) {}

  [[nodiscard]] Fetched fetch() override {
    const auto assertion = files_.read(token_file_);
    if (!assertion) return misconfigured("workload identity: the token file cannot be read, or is empty");
    if (!is_printable(reveal_text(*assertion))) {
      return misconfigured("workload identity: the token file holds no token");
    }
    return endpoint_.exchange("workload identity: the token endpoint", "client_assertion",
                              reveal_text(*assertion));
  }

 private:
  TokenEndpoint endpoint_;
  std::string token_file_;
  SecretFiles& files_;
};

/// A GUID, or one of the tenant's domains.
bool is_tenant(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 255 && std::ranges::all_of(text, allowed) &&
         text.find("..") == std::string_view::npos && text != ".";
}

tl::expected<TokenEndpoint, IdentityFailure> endpoint_of(EntraApplication application,
                                                         const IdentityPorts& ports) {
  std::string host = application.authority_host;
  if (host.empty()) host = "https://login.microsoftonline.com";
  while (host.ends_with('/'))
    host.pop_back();
  if (!is_tenant(application.tenant_id)) return misconfigured("the tenant id is neither a GUID nor a domain");
  if (!is_confidential_url(host)) {
    return misconfigured("the authority host is no https URL (http only at this machine itself)");
  }
  std::string url = std::move(host);
  url.append("/").append(application.tenant_id).append("/oauth2/v2.0/token");
  return TokenEndpoint(std::move(application), std::move(url), ports);
}

}  // namespace

Made client_secret_identity(EntraApplication application, std::shared_ptr<const SecretBytes> secret,
                            IdentityPorts ports) {
  auto endpoint = endpoint_of(std::move(application), ports);
  if (!endpoint) return tl::unexpected(std::move(endpoint.error()));
  return std::make_unique<ClientSecretIdentity>(std::move(*endpoint), std::move(secret));
}

Made workload_identity(EntraApplication application, std::string token_file, IdentityPorts ports) {
  auto endpoint = endpoint_of(std::move(application), ports);
  if (!endpoint) return tl::unexpected(std::move(endpoint.error()));
  return std::make_unique<WorkloadIdentity>(std::move(*endpoint), std::move(token_file), ports.files);
}

}  // namespace blobvalet
