#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/app.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_vectors.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/system_clock.hpp"
#include "fcgi/text_file.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

class FixedClock : public Clock {
 public:
  explicit FixedClock(UtcSeconds time) : time_(time) {}
  [[nodiscard]] UtcSeconds now() const override { return time_; }

 private:
  UtcSeconds time_;
};

struct SignOptions {
  std::string vectors_file;  ///< golden vectors to check instead
  std::string user;
  std::string method;
  std::string blob_uri;
  std::string remote_addr;
  std::vector<std::string> vars;  ///< each name=value
  std::string at;                 ///< empty: now
};

/// The query that Fine Uploader would send.
std::string query_for(const SignOptions& options) {
  std::string query("bloburi=");
  append_query_encoded(query, options.blob_uri);
  query.append("&_method=");
  append_query_encoded(query, options.method);
  return query;
}

/// `name=value` as name and value.
std::pair<std::string, std::string> split_var(const std::string& var) {
  const std::size_t equals = var.find('=');
  if (equals == std::string::npos) throw CLI::ValidationError("--var", "must be name=value");
  return {var.substr(0, equals), var.substr(equals + 1)};
}

UtcSeconds time_of(const std::string& at) {
  if (at.empty()) return SystemClock().now();
  const auto time = parse_utc(at);
  if (!time) throw CLI::ValidationError("--at", "must look like 2026-03-01T12:00:00Z");
  return *time;
}

/// Prints what `serve` would answer to one signature request.
ExitCode sign(const std::string& config_file, const SignOptions& options) {
  if (options.method.empty()) throw CLI::RequiredError("--method");
  if (options.blob_uri.empty()) throw CLI::RequiredError("--blob-uri");
  const FixedClock clock(time_of(options.at));
  std::vector<std::pair<std::string, std::string>> vars;
  for (const std::string& var : options.vars)
    vars.push_back(split_var(var));
  const auto site = SiteLoader(config_file).load();
  if (!site) {
    print_faults(site.error());
    return ExitCode::bad_configuration;
  }
  const std::string query = query_for(options);
  Request request;
  request.endpoint = "signature";
  request.method = "GET";
  request.query = query;
  request.user = options.user;
  request.remote_addr = options.remote_addr;
  for (const auto& [name, value] : vars)
    request.vars.push_back({name, value});

  Response response;
  const Event event = App(*site, clock).handle(request, response);
  std::cout << response.body << "\n";
  if (response.status == Status::ok) return ExitCode::success;
  if (!event.reason.empty()) std::cerr << event.reason << "\n";
  return ExitCode::refused;
}

/// Signs a file of golden vectors and reports every one that differs.
ExitCode check_vectors(const std::string& file) {
  const auto json = read_text_file(file);
  if (!json) {
    std::cerr << file << ": cannot be read: " << std::strerror(errno) << "\n";
    return ExitCode::failure;
  }
  const SasVectorReport report = SasVectorCheck::run(*json);
  if (!report.unreadable.empty()) {
    std::cerr << file << ": " << report.unreadable << "\n";
    return ExitCode::failure;
  }
  for (const std::string& failure : report.failures)
    std::cout << failure << "\n";
  std::cout << report.passed << " passed, " << report.failures.size() << " failed\n";
  return report.failures.empty() ? ExitCode::success : ExitCode::failure;
}

}  // namespace

void add_sign(CLI::App& app, CommandLine& line) {
  CLI::App* command = app.add_subcommand("sign", "Print what serve would answer to one signature request");
  add_config_option(*command, line);
  const auto options = std::make_shared<SignOptions>();
  auto* vectors =
      command->add_option("--vectors", options->vectors_file, "Check this file of golden vectors instead");
  command->add_option("--user", options->user, "The user nginx would vouch for; none: nobody");
  command->add_option("--method", options->method, "PUT or DELETE")->excludes(vectors);
  command->add_option("--blob-uri", options->blob_uri, "The blob's URI as Fine Uploader sends it")
      ->excludes(vectors);
  command->add_option("--remote-addr", options->remote_addr, "The client's address");
  command->add_option("--var", options->vars, "name=value for a pattern's {name}; may be repeated");
  command->add_option("--at", options->at, "Sign as if it were this time, such as 2026-03-01T12:00:00Z");
  command->callback([options, &line] {
    line.outcome = options->vectors_file.empty() ? sign(line.config_file, *options)
                                                 : check_vectors(options->vectors_file);
  });
}

}  // namespace blobvalet::fcgi
