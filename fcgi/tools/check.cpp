#include <iostream>

#include "fcgi/key_loader.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

/// Workers do without these secrets, and so does their Site. One that comes by credential or environment is
/// there for blobvalet-keys.service only, but a file can be looked at from anywhere.
ConfigFaults faults_of_client_secrets(std::vector<Account> accounts,
                                      const std::filesystem::path& config_file) {
  for (Account& account : accounts) {
    if (!account.identity || !account.identity->client_secret) continue;
    if (account.identity->client_secret->kind != KeySource::Kind::file)
      account.identity->client_secret.reset();
  }
  ConfigFaults faults;
  (void)KeyLoader(config_file.parent_path()).load_client_secrets(accounts, faults);
  return faults;
}

ExitCode check(const std::string& config_file) {
  const auto site = SiteLoader(config_file).load();
  const ConfigFaults faults =
      site ? faults_of_client_secrets((*site)->accounts(), config_file) : site.error();
  if (!faults.empty()) {
    print_faults(faults);
    return ExitCode::bad_configuration;
  }
  std::cout << config_file << ": ok\n";
  return ExitCode::success;
}

}  // namespace

void add_check(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("check", "Report every fault of the configuration and its keys");
  add_config_option(*command, line);
  command->callback([&line] { line.outcome = check(line.config_file); });
}

}  // namespace blobvalet::fcgi
