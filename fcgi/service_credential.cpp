#include "fcgi/service_credential.hpp"

#include <algorithm>

#include "core/access_token.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/adapters/steady_timer.hpp"
#include "fcgi/identity_environment.hpp"
#include "fcgi/key_loader.hpp"
#include "fcgi/system_clock.hpp"

namespace blobvalet::fcgi {
namespace {

using Credential = tl::expected<ServiceCredential, std::string>;

/// Without the `?` that the portal puts before it.
Credential sas_in(const std::string& file) {
  auto text = FileSecrets().read(file);
  if (!text) return tl::unexpected(file + ": holds no SAS, or cannot be read");
  if (text->reveal().front() != '?') return ServiceCredential(AccountSas{std::move(*text)});
  SecretBytes query(text->size() - 1);
  std::ranges::copy(text->reveal().subspan(1), query.reveal_mutable().begin());
  return ServiceCredential(AccountSas{std::move(query)});
}

Credential token_of(const Config& config, std::size_t account, KeyLoader& loader) {
  ConfigFaults faults;
  const auto secrets = loader.load_client_secrets(config.accounts, faults);
  if (!faults.empty()) return tl::unexpected(faults.front().text());
  CurlHttp http;
  SteadyTimer timer;
  const SystemClock clock;
  FileSecrets files;
  const Account& owner = config.accounts[account];
  const auto fetcher = token_fetcher(*owner.identity, take_identity_environment(), secrets[account],
                                     {http, timer, clock, files});
  if (!fetcher) return tl::unexpected(owner.name + ": " + fetcher.error().reason);
  auto token = (*fetcher)->fetch();
  if (!token) return tl::unexpected(owner.name + ": " + token.error().reason);
  return ServiceCredential(BearerToken{std::move(token->text)});
}

}  // namespace

Credential service_credential(const Config& config, std::size_t account,
                              const std::filesystem::path& config_file, const std::string& sas_file) {
  if (!sas_file.empty()) return sas_in(sas_file);
  const Account& owner = config.accounts[account];
  if (owner.requests.kind == RequestAuthorization::Kind::bearer) {
    auto token = FileSecrets().read(owner.requests.token_file);
    if (!token) return tl::unexpected(owner.requests.token_file + ": holds no token, or cannot be read");
    return ServiceCredential(BearerToken{std::move(*token)});
  }
  KeyLoader loader(config_file.parent_path());
  if (owner.identity) return token_of(config, account, loader);
  std::string fault;
  auto key = loader.load_key(owner.use_next ? *owner.next_key : owner.current_key, fault);
  if (key == nullptr) return tl::unexpected(owner.name + ": the key " + fault);
  return ServiceCredential(std::move(key));
}

}  // namespace blobvalet::fcgi
