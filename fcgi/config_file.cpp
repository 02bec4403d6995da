#include "fcgi/config_file.hpp"

#include <cerrno>
#include <cstring>

#include "fcgi/log.hpp"
#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
namespace {

/// Relative file names are relative to the configuration file. Keys are looked up by their loader.
void resolve_file_names(Config& config, const std::filesystem::path& directory) {
  const auto resolve = [&](std::string& name) {
    if (!name.empty()) name = directory / name;
  };
  for (Account& account : config.accounts) {
    resolve(account.requests.token_file);
    resolve(account.requests.ca_file);
    if (!account.identity) continue;
    resolve(account.identity->token_file);
    resolve(account.identity->ca_file);
  }
  resolve(config.keys.directory);
  resolve(config.server.metrics_file);
  resolve(config.success.state_directory);
  resolve(config.limits.file);
  resolve(config.limits.password_file);
  if (!config.success.hook) return;
  resolve(config.success.hook->ca_file);
  resolve(config.success.hook->store.file);
  resolve(config.success.hook->store.password_file);
}

}  // namespace

tl::expected<ConfigFile, ConfigFaults> read_config_file(const std::filesystem::path& file) {
  auto text = read_text_file(file);
  if (text) return parse_config_file(std::move(*text), file);
  return tl::unexpected(
      ConfigFaults{{file.string(), std::string("cannot be read: ") + std::strerror(errno)}});
}

tl::expected<ConfigFile, ConfigFaults> parse_config_file(std::string text,
                                                         const std::filesystem::path& file) {
  auto config = Config::parse(text);
  if (!config) return tl::unexpected(std::move(config.error()));
  resolve_file_names(*config, file.parent_path());
  return ConfigFile{std::move(text), std::move(*config)};
}

void log_faults(std::string_view event, const ConfigFaults& faults) {
  for (const ConfigFault& fault : faults)
    Log::notice(event, fault.text());
}

std::string text_of(const ConfigFaults& faults) {
  std::string all;
  for (const ConfigFault& fault : faults)
    all.append(all.empty() ? "" : "; ").append(fault.text());
  return all;
}

}  // namespace blobvalet::fcgi
