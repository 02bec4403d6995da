#include "fcgi/doctor.hpp"

#include <algorithm>
#include <iostream>
#include <memory>

#include "core/base64.hpp"
#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

struct DoctorArguments {
  DoctorOptions options;
  std::vector<std::string> vars;     ///< each name=value
  std::vector<std::string> headers;  ///< each `Name: value`, or `@file` with one
  std::string cookie;                ///< or `@file` with one
  std::string password_file;
  bool no_callback = false;
  bool json = false;
};

/// The text itself, or that of the file which `@` names: what logs somebody in is not for the command line,
/// which all users of a machine can see.
std::string text_or_file(const std::string& text) {
  if (!text.starts_with('@')) return text;
  const auto secret = FileSecrets().read(text.substr(1));
  if (!secret) throw CLI::ValidationError(text, "cannot be read, or is empty");
  return std::string(text_of(*secret));
}

void add_login(DoctorOptions& options, const DoctorArguments& arguments) {
  for (const std::string& header : arguments.headers) {
    std::string text = text_or_file(header);
    if (text.find(':') == std::string::npos || text.find_first_of("\r\n") != std::string::npos)
      throw CLI::ValidationError("--header", "must be one line, Name: value");
    options.headers.push_back(std::move(text));
  }
  if (!arguments.cookie.empty()) options.headers.push_back("Cookie: " + text_or_file(arguments.cookie));
  if (arguments.password_file.empty()) return;
  const auto password = FileSecrets().read(arguments.password_file);
  if (!password) throw CLI::ValidationError("--password-file", "cannot be read, or is empty");
  const std::string pair = options.user + ":" + std::string(text_of(*password));
  SecretBytes bytes(pair.size());
  std::ranges::copy(pair, bytes.reveal_mutable().begin());
  const SecretBytes encoded = encode_base64(bytes);
  options.headers.push_back("Authorization: Basic " + std::string(text_of(encoded)));
}

ExitCode examine(const std::string& config_file, const DoctorArguments& arguments) {
  DoctorOptions options = arguments.options;
  options.config_file = config_file;
  options.callback = !arguments.no_callback;
  for (const std::string& var : arguments.vars) {
    const std::size_t equals = var.find('=');
    if (equals == std::string::npos) throw CLI::ValidationError("--var", "must be name=value");
    options.vars.emplace_back(var.substr(0, equals), var.substr(equals + 1));
  }
  if (!options.url.empty() && !EndpointUrl::parse(options.url))
    throw CLI::ValidationError("--url", "must be a URL such as https://www.example.com");
  add_login(options, arguments);
  const Diagnosis diagnosis = Doctor(std::move(options)).examine();
  std::cout << (arguments.json ? diagnosis.to_json() : diagnosis.to_text());
  return diagnosis.is_fine() ? ExitCode::success : ExitCode::failure;
}

}  // namespace

void add_doctor(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand(
      "doctor", "Walk the whole chain from the configuration to a stored file, and say where it breaks");
  add_config_option(*command, line);
  const auto arguments = std::make_shared<DoctorArguments>();
  DoctorOptions& options = arguments->options;
  command->add_option("--url", options.url, "The site, such as https://www.example.com");
  command->add_option("--ca-file", options.ca_file, "Authorities to trust for the site, not the system's");
  command->add_option("--origin", options.origins, "A page's origin, beside cors.origins; may be repeated");
  command->add_option("--user", options.user, "Whom nginx will vouch for; none: nobody");
  auto* user = command->get_option("--user");
  command->add_option("--password-file", arguments->password_file, "Log in with this password (HTTP Basic)")
      ->needs(user);
  command->add_option("--cookie", arguments->cookie, "Log in with this Cookie header, or @FILE");
  command->add_option("--header", arguments->headers, "Log in with this header, or @FILE; may be repeated");
  command->add_option("--var", arguments->vars, "name=value for a pattern's {name}; may be repeated");
  command->add_option("--rule", options.rule, "The rule to test; by default the first that fits");
  auto* file = command->add_option("--file", options.file, "What to upload; by default a tiny PNG");
  command->add_option("--content-type", options.content_type, "Its type")->needs(file);
  command->add_flag("--no-callback", arguments->no_callback, "Do not report the upload to the application");
  command->add_option("--socket", options.sockets, "A pool's socket; by default those that nginx uses");
  command->add_option("--nginx-user", options.nginx_user, "Who has to be let into the sockets");
  command->add_option("--nginx", options.nginx,
                      "What nginx -T prints: a file, - for standard input, or none; by default it is run");
  command->add_flag("--json", arguments->json, "One JSON object");
  command->callback([arguments, &line] { line.outcome = examine(line.config_file, *arguments); });
}

}  // namespace blobvalet::fcgi
