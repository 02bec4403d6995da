#include "fcgi/site_loader.hpp"

#include <cerrno>
#include <cstring>

#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
namespace {

/// Relative file names are relative to the configuration file. Keys are looked up by their loader.
void resolve_file_names(Config& config, const std::filesystem::path& directory) {
  const auto resolve = [&](std::string& name) {
    if (!name.empty()) name = directory / name;
  };
  for (Account& account : config.accounts)
    resolve(account.requests.token_file);
  resolve(config.success.state_directory);
  if (!config.success.hook) return;
  resolve(config.success.hook->ca_file);
  resolve(config.success.hook->store.file);
  resolve(config.success.hook->store.password_file);
}

}  // namespace

SiteLoader::SiteLoader(std::filesystem::path config_file)
    : config_file_(std::move(config_file)), keys_(config_file_.parent_path()) {}

tl::expected<std::shared_ptr<const Site>, ConfigFaults> SiteLoader::load() {
  const auto text = read_text_file(config_file_);
  if (!text) {
    return tl::unexpected(
        ConfigFaults{{config_file_.string(), std::string("cannot be read: ") + std::strerror(errno)}});
  }
  auto config = Config::parse(*text);
  if (!config) return tl::unexpected(std::move(config.error()));
  resolve_file_names(*config, config_file_.parent_path());
  ConfigFaults faults;
  auto keys = keys_.load(config->accounts, faults);
  std::shared_ptr<const SecretBytes> hook_secret;
  if (const auto& hook = config->success.hook) hook_secret = keys_.load_hook_secret(*hook->secret, faults);
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return std::make_shared<const Site>(std::move(*config), std::move(keys), std::move(hook_secret));
}

}  // namespace blobvalet::fcgi
