#include "core/access_token.hpp"

#include <algorithm>
#include <utility>

#include "core/entra_identity.hpp"
#include "core/managed_identity.hpp"
#include "core/token_request.hpp"

namespace blobvalet {
namespace {

using Kind = IdentityOptions::Kind;
using Made = tl::expected<std::unique_ptr<TokenFetcher>, IdentityFailure>;

const std::string& first_set(const std::string& configured, const std::string& from_environment) {
  return configured.empty() ? from_environment : configured;
}

/// An application as configured, completed from the environment.
struct Settings {
  EntraApplication application;
  std::string token_file;
  std::shared_ptr<const SecretBytes> client_secret;

  [[nodiscard]] bool has_application() const {
    return !application.tenant_id.empty() && !application.client_id.empty();
  }
  [[nodiscard]] bool has_secret() const { return client_secret != nullptr && client_secret->size() > 0; }
};

Settings settings_of(const IdentityOptions& options, const IdentityEnvironment& environment,
                     const std::shared_ptr<const SecretBytes>& client_secret) {
  return {{first_set(options.tenant_id, environment.tenant_id),
           first_set(options.client_id, environment.client_id),
           first_set(options.authority_host, environment.authority_host), options.ca_file},
          first_set(options.token_file, environment.federated_token_file),
          client_secret ? client_secret : environment.client_secret};
}

/// Names what is missing, with the variable that may bring it.
IdentityFailure missing(std::string_view identity, const Settings& settings, bool is_there,
                        std::string_view credential) {
  IdentityFailure failure{std::string(identity), true};
  const char* separator = " lacks ";
  const auto name_if = [&](bool lacks, std::string_view what) {
    if (!lacks) return;
    failure.reason.append(separator).append(what);
    separator = ", ";
  };
  name_if(settings.application.tenant_id.empty(), "a tenant id (AZURE_TENANT_ID)");
  name_if(settings.application.client_id.empty(), "a client id (AZURE_CLIENT_ID)");
  name_if(!is_there, credential);
  return failure;
}

Made client_secret_of(Settings settings, const IdentityPorts& ports) {
  if (!settings.has_application() || !settings.has_secret()) {
    return tl::unexpected(
        missing("client secret:", settings, settings.has_secret(), "the secret (AZURE_CLIENT_SECRET)"));
  }
  return client_secret_identity(std::move(settings.application), std::move(settings.client_secret), ports);
}

Made workload_of(Settings settings, const IdentityPorts& ports) {
  if (!settings.has_application() || settings.token_file.empty()) {
    return tl::unexpected(missing("workload identity:", settings, !settings.token_file.empty(),
                                  "a token file (AZURE_FEDERATED_TOKEN_FILE)"));
  }
  return workload_identity(std::move(settings.application), std::move(settings.token_file), ports);
}

/// The last of the chain: says so when nobody answers, since it may not have been meant at all.
class LastResort final : public TokenFetcher {
 public:
  explicit LastResort(std::unique_ptr<TokenFetcher> managed_identity)
      : managed_identity_(std::move(managed_identity)) {}

  [[nodiscard]] tl::expected<AccessToken, IdentityFailure> fetch() override {
    auto token = managed_identity_->fetch();
    if (!token) token.error().reason.insert(0, "no client secret and no workload identity is set up, and ");
    return token;
  }

 private:
  std::unique_ptr<TokenFetcher> managed_identity_;
};

/// As the SDKs: AZURE_CLIENT_ID chooses the managed identity unless the configuration does. It does not for
/// Arc, where there is nothing to choose.
Made last_resort(IdentityOptions options, const IdentityEnvironment& environment,
                 const IdentityPorts& ports) {
  const bool may_choose = environment.imds_endpoint.empty() || environment.identity_header != nullptr;
  const std::string& client_id = first_set(options.client_id, environment.client_id);
  if (options.id_kind == IdentityOptions::IdKind::system && may_choose && !client_id.empty()) {
    options.id_kind = IdentityOptions::IdKind::client_id;
    options.id = client_id;
  }
  auto made = managed_identity(options, environment, ports);
  if (!made) return made;
  return std::make_unique<LastResort>(std::move(*made));
}

/// The order of the SDKs' DefaultAzureCredential, without developers' tools.
Made default_chain(const IdentityOptions& options, const IdentityEnvironment& environment, Settings settings,
                   const IdentityPorts& ports) {
  if (settings.has_application() && settings.has_secret())
    return client_secret_of(std::move(settings), ports);
  if (settings.has_application() && !settings.token_file.empty()) {
    return workload_of(std::move(settings), ports);
  }
  return last_resort(options, environment, ports);
}

}  // namespace

Made token_fetcher(const IdentityOptions& options, const IdentityEnvironment& environment,
                   const std::shared_ptr<const SecretBytes>& client_secret, IdentityPorts ports) {
  Settings settings = settings_of(options, environment, client_secret);
  switch (options.kind) {
    case Kind::managed_identity: return managed_identity(options, environment, ports);
    case Kind::workload_identity: return workload_of(std::move(settings), ports);
    case Kind::client_secret: return client_secret_of(std::move(settings), ports);
    case Kind::default_chain: break;
  }
  return default_chain(options, environment, std::move(settings), ports);
}

TokenSource::TokenSource(const IdentityOptions& options, const IdentityEnvironment& environment,
                         const std::shared_ptr<const SecretBytes>& client_secret, IdentityPorts ports)
    : clock_(ports.clock), fetcher_(token_fetcher(options, environment, client_secret, ports)) {}

tl::expected<const AccessToken*, IdentityFailure> TokenSource::token() {
  if (!fetcher_) return tl::unexpected(fetcher_.error());
  if (!token_ || clock_.now() >= token_->refresh_at) refresh();
  // Trying may have taken a while.
  if (token_ && clock_.now() < token_->expiry) return &*token_;
  token_.reset();
  return tl::unexpected(*failure_);
}

void TokenSource::refresh() {
  auto token = (*fetcher_)->fetch();
  if (token) {
    token_ = std::move(*token);
    failure_.reset();
    return;
  }
  failure_ = std::move(token.error());
  // The next call comes soon, and each attempt may take a minute.
  constexpr std::chrono::seconds kPause = std::chrono::minutes(1);
  const UtcSeconds next = clock_.now() + std::max(kPause, failure_->retry_after);
  if (token_) token_->refresh_at = std::min(next, token_->expiry);
}

}  // namespace blobvalet
