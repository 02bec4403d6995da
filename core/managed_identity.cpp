#include "core/managed_identity.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.hpp"
#include "core/percent_encoding.hpp"
#include "core/token_request.hpp"
#include "core/wipe.hpp"

namespace blobvalet {
namespace {

using std::chrono::seconds;
using IdKind = IdentityOptions::IdKind;
using Fetched = tl::expected<AccessToken, IdentityFailure>;
using Made = tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure>;

constexpr std::array kWaits{seconds(2), seconds(4), seconds(8), seconds(16)};

constexpr RetryPlan kMachinePlan{
    kWaits, [](int status) { return status == 404 || status == 410 || is_throttled_or_failed(status); },
    seconds(70), seconds(70)};
constexpr RetryPlan kLocalPlan{kWaits, is_throttled_or_failed};

constexpr std::string_view kMachine = "the machine's managed identity (IMDS)";
constexpr std::string_view kAppService = "App Service's managed identity (IDENTITY_ENDPOINT)";
constexpr std::string_view kArc = "Azure Arc's managed identity (IDENTITY_ENDPOINT)";

/// What the services call the parameter that chooses a user-assigned identity.
struct IdNames {
  std::string_view client_id;
  std::string_view object_id;
  std::string_view resource_id;
};
constexpr IdNames kMachineNames{"client_id", "object_id", "msi_res_id"};
constexpr IdNames kAppServiceNames{"client_id", "principal_id", "mi_res_id"};

std::string_view name_of(IdKind kind, const IdNames& names) {
  switch (kind) {
    case IdKind::client_id: return names.client_id;
    case IdKind::object_id: return names.object_id;
    case IdKind::resource_id: return names.resource_id;
    case IdKind::system: break;
  }
  return {};
}

/// `endpoint` with the query of a token for the storage service.
std::string token_url(std::string endpoint, std::string_view api_version) {
  endpoint.append("?api-version=").append(api_version).append("&resource=");
  append_query_encoded(endpoint, "https://storage.azure.com");
  return endpoint;
}

void append_id(std::string& url, const IdentityOptions& options, const IdNames& names) {
  if (options.id_kind == IdKind::system) return;
  url.append("&").append(name_of(options.id_kind, names)).append("=");
  append_query_encoded(url, options.id);
}

HttpCall call_of(const std::string& url) {
  HttpCall call;
  call.url = url;
  call.connect_timeout = seconds(1);  // where there is no such service, nobody is to wait for it for long
  call.timeout = seconds(10);
  return call;
}

bool is_url(std::string_view text) {
  const std::string lower = lower_case(text);
  return (lower.starts_with("http://") || lower.starts_with("https://")) && is_printable(text) &&
         text.find_first_of("?#") == std::string_view::npos;
}

class MachineIdentity final : public TokenFetcher {
 public:
  MachineIdentity(std::string url, IdentityPorts ports) : url_(std::move(url)), request_(ports) {}

  [[nodiscard]] Fetched fetch() override {
    HttpCall call = call_of(url_);
    call.headers.emplace_back("Metadata: true");
    return request_.judge(request_.send(call, kMachinePlan), kMachinePlan, kMachine, {});
  }

 private:
  std::string url_;
  TokenRequest request_;
};

class AppServiceIdentity final : public TokenFetcher {
 public:
  AppServiceIdentity(std::string url, std::shared_ptr<const SecretBytes> header, IdentityPorts ports)
      : url_(std::move(url)), header_(std::move(header)), request_(ports) {}

  [[nodiscard]] Fetched fetch() override {
    HttpCall call = call_of(url_);
    const Wiper wiper(call);
    add_secret_header(call, "X-IDENTITY-HEADER: ", reveal_text(*header_));
    return request_.judge(request_.send(call, kLocalPlan), kLocalPlan, kAppService, reveal_text(*header_));
  }

 private:
  std::string url_;
  std::shared_ptr<const SecretBytes> header_;
  TokenRequest request_;
};

/// The file that a challenge names: `Basic realm=/var/opt/azcmagent/tokens/<name>.key`. Nothing for any other
/// file, since whoever answers must not make us send him what he pleases.
std::optional<std::string> challenge_file(std::string_view challenge) {
  constexpr std::string_view kRealm = "basic realm=";
  constexpr std::string_view kFolder = "/var/opt/azcmagent/tokens/";
  constexpr std::string_view kEnding = ".key";
  if (lower_case(challenge.substr(0, kRealm.size())) != kRealm) return std::nullopt;
  challenge.remove_prefix(kRealm.size());
  const std::string file(challenge);
  if (!challenge.starts_with(kFolder) || !challenge.ends_with(kEnding)) return std::nullopt;
  challenge.remove_prefix(kFolder.size());
  // One more segment and no other: without a slash, dots lead nowhere.
  const bool is_name = challenge.size() > kEnding.size() && is_printable(challenge) &&
                       challenge.find_first_of("/\\\"") == std::string_view::npos;
  return is_name ? std::optional(file) : std::nullopt;
}

/// Shows that it runs on this server by reading a file that only its administrators can read.
class ArcIdentity final : public TokenFetcher {
 public:
  ArcIdentity(std::string url, IdentityPorts ports)
      : url_(std::move(url)), files_(ports.files), request_(ports) {}

  [[nodiscard]] Fetched fetch() override {
    auto key = challenge();
    if (!key) return tl::unexpected(std::move(key.error()));
    HttpCall call = call_of(url_);
    const Wiper wiper(call);
    call.headers.emplace_back("Metadata: true");
    add_secret_header(call, "Authorization: Basic ", reveal_text(*key));
    return request_.judge(request_.send(call, kLocalPlan), kLocalPlan, kArc, reveal_text(*key));
  }

 private:
  /// What the file holds that the service wants to see.
  [[nodiscard]] tl::expected<SecretBytes, IdentityFailure> challenge() {
    HttpCall call = call_of(url_);
    call.headers.emplace_back("Metadata: true");
    auto outcome = request_.send(call, kLocalPlan);
    if (outcome && outcome->status == 401) return key_of(outcome->header("www-authenticate"));
    if (outcome && outcome->status == 200) {
      wipe(*outcome);
      return misconfigured(std::string(kArc).append(" did not ask for its key file"));
    }
    return tl::unexpected(std::move(request_.judge(std::move(outcome), kLocalPlan, kArc, {}).error()));
  }
  [[nodiscard]] tl::expected<SecretBytes, IdentityFailure> key_of(std::string_view challenge) {
    constexpr std::size_t kLongestKey = 4096;
    const auto file = challenge_file(challenge);
    if (!file) return misconfigured(std::string(kArc).append(" asked for another file than its keys"));
    auto key = files_.read(*file);
    if (!key) {
      return misconfigured(
          std::string(kArc).append(" wants a key file that cannot be read; is this user in group himds?"));
    }
    if (key->size() > kLongestKey || !is_printable(reveal_text(*key))) {
      return misconfigured(std::string(kArc).append(" wants a key file that holds no key"));
    }
    return std::move(*key);
  }

  std::string url_;
  SecretFiles& files_;
  TokenRequest request_;
};

Made app_service(const IdentityOptions& options, const IdentityEnvironment& environment,
                 IdentityPorts ports) {
  if (!is_printable(reveal_text(*environment.identity_header))) {
    return misconfigured("IDENTITY_HEADER is not printable ASCII");
  }
  std::string url = token_url(environment.identity_endpoint, "2019-08-01");
  append_id(url, options, kAppServiceNames);
  return std::make_unique<AppServiceIdentity>(std::move(url), environment.identity_header, ports);
}

Made arc(const IdentityOptions& options, const IdentityEnvironment& environment, IdentityPorts ports) {
  if (options.id_kind != IdKind::system) {
    return misconfigured(std::string(kArc).append(" is the server's own: there is none to choose by an id"));
  }
  return std::make_unique<ArcIdentity>(token_url(environment.identity_endpoint, "2019-11-01"), ports);
}

Made machine(const IdentityOptions& options, const IdentityEnvironment& environment, IdentityPorts ports) {
  std::string host = environment.pod_identity_host;
  if (host.empty()) host = "http://169.254.169.254";
  if (!is_url(host)) return misconfigured("AZURE_POD_IDENTITY_AUTHORITY_HOST is no http(s) URL");
  while (host.ends_with('/'))
    host.pop_back();
  std::string url = token_url(host + "/metadata/identity/oauth2/token", "2018-02-01");
  append_id(url, options, kMachineNames);
  return std::make_unique<MachineIdentity>(std::move(url), ports);
}

}  // namespace

Made managed_identity(const IdentityOptions& options, const IdentityEnvironment& environment,
                      IdentityPorts ports) {
  const bool is_app_service =
      !environment.identity_endpoint.empty() && environment.identity_header != nullptr;
  const bool is_arc = !environment.identity_endpoint.empty() && !environment.imds_endpoint.empty();
  if (!is_app_service && !is_arc) return machine(options, environment, ports);
  if (!is_url(environment.identity_endpoint)) return misconfigured("IDENTITY_ENDPOINT is no http(s) URL");
  return is_app_service ? app_service(options, environment, ports) : arc(options, environment, ports);
}

}  // namespace blobvalet
