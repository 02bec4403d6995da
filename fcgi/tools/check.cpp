#include <iostream>
#include <memory>

#include "core/config_warnings.hpp"
#include "core/json_text.hpp"
#include "core/nginx_warnings.hpp"
#include "fcgi/file_warnings.hpp"
#include "fcgi/key_loader.hpp"
#include "fcgi/nginx_dump.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

struct CheckOptions {
  std::string nginx;  ///< as for read_nginx()
  bool json = false;
  bool strict = false;
};

struct Findings {
  ConfigFaults faults;
  Warnings warnings;
  std::string nginx;  ///< why its configuration was not looked at; empty: it was
};

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

void append(Warnings& all, Warnings more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Findings look_at(const std::string& config_file, const std::string& nginx_source) {
  Findings findings;
  const auto site = SiteLoader(config_file).load();
  findings.faults = site ? faults_of_client_secrets((*site)->accounts(), config_file) : site.error();
  const auto config = read_config_file(config_file);
  if (!config) {
    findings.nginx = "the configuration is faulty";
    return findings;
  }
  findings.warnings = config_warnings(config->config);
  append(findings.warnings, file_warnings(config->config, config_file));
  const auto nginx = read_nginx(nginx_source);
  if (nginx) {
    append(findings.warnings, nginx_warnings(config->config, *nginx));
  } else {
    findings.nginx = nginx.error();
  }
  return findings;
}

std::string to_json(const std::string& config_file, const Findings& findings) {
  JsonText json;
  json.begin_object();
  json.text("configuration", config_file);
  json.boolean("ok", findings.faults.empty());
  json.begin_array("faults");
  for (const ConfigFault& fault : findings.faults) {
    json.begin_object();
    json.text("field", fault.path);
    json.text("what", fault.message);
    json.end_object();
  }
  json.end_array();
  json.begin_array("warnings");
  for (const Warning& warning : findings.warnings) {
    json.begin_object();
    json.text("code", warning.code);
    json.text("field", warning.field);
    json.text("what", warning.what);
    json.text("mend", warning.mend);
    json.end_object();
  }
  json.end_array();
  json.text("nginx", findings.nginx.empty() ? "looked at" : "not looked at: " + findings.nginx);
  json.end_object();
  return json.take();
}

void print(const std::string& config_file, const Findings& findings) {
  print_faults(findings.faults);
  for (const Warning& warning : findings.warnings)
    std::cerr << "warning: " << warning.text() << "\n";
  if (!findings.faults.empty()) return;
  const std::size_t count = findings.warnings.size();
  std::cout << config_file << ": ok";
  if (count > 0) std::cout << ", with " << count << (count == 1 ? " warning" : " warnings");
  std::cout << "\n";
}

ExitCode check(const std::string& config_file, const CheckOptions& options) {
  const Findings findings = look_at(config_file, options.nginx);
  const bool nginx_is_missing = !options.nginx.empty() && options.nginx != "none" && !findings.nginx.empty();
  if (options.json) {
    std::cout << to_json(config_file, findings);
  } else {
    print(config_file, findings);
  }
  if (!findings.faults.empty()) return ExitCode::bad_configuration;
  if (nginx_is_missing) std::cerr << "--nginx: " << findings.nginx << "\n";
  const bool weak = options.strict && !findings.warnings.empty();
  return weak || nginx_is_missing ? ExitCode::failure : ExitCode::success;
}

}  // namespace

void add_check(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand(
      "check", "Report every fault of the configuration and its keys, and what is weak about it");
  add_config_option(*command, line);
  const auto options = std::make_shared<CheckOptions>();
  command->add_option("--nginx", options->nginx,
                      "What nginx -T prints: a file, - for standard input, or none; by default it is run");
  command->add_flag("--json", options->json, "One JSON object");
  command->add_flag("--strict", options->strict, "Exit code 1 if there is a warning");
  command->callback([options, &line] { line.outcome = check(line.config_file, *options); });
}

}  // namespace blobvalet::fcgi
