// The commands that an operator types.
#include <cerrno>
#include <cstring>
#include <iostream>

#include "core/app.hpp"
#include "core/percent_encoding.hpp"
#include "core/sas_vectors.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/key_loader.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/system_clock.hpp"
#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
namespace {

class FixedClock : public Clock {
 public:
  explicit FixedClock(UtcSeconds time) : time_(time) {}
  [[nodiscard]] UtcSeconds now() const override { return time_; }

 private:
  UtcSeconds time_;
};

void print(const ConfigFaults& faults) {
  for (const ConfigFault& fault : faults)
    std::cerr << fault.text() << "\n";
}

/// The query that Fine Uploader would send.
std::string query_for(const SignOptions& options) {
  std::string query("bloburi=");
  append_query_encoded(query, options.blob_uri);
  query.append("&_method=");
  append_query_encoded(query, options.method);
  return query;
}

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

}  // namespace

ExitCode check(const std::string& config_file) {
  const auto site = SiteLoader(config_file).load();
  const ConfigFaults faults =
      site ? faults_of_client_secrets((*site)->accounts(), config_file) : site.error();
  if (!faults.empty()) {
    print(faults);
    return ExitCode::bad_configuration;
  }
  std::cout << config_file << ": ok\n";
  return ExitCode::success;
}

ExitCode sign(const std::string& config_file, const SignOptions& options) {
  const auto site = SiteLoader(config_file).load();
  if (!site) {
    print(site.error());
    return ExitCode::bad_configuration;
  }
  const std::string query = query_for(options);
  Request request;
  request.endpoint = "signature";
  request.method = "GET";
  request.query = query;
  request.user = options.user;
  request.remote_addr = options.remote_addr;
  for (const auto& [name, value] : options.vars)
    request.vars.push_back({name, value});

  const FixedClock clock(options.at.value_or(SystemClock().now()));
  Response response;
  const Event event = App(*site, clock).handle(request, response);
  std::cout << response.body << "\n";
  if (response.status == Status::ok) return ExitCode::success;
  if (!event.reason.empty()) std::cerr << event.reason << "\n";
  return ExitCode::refused;
}

std::optional<EventStoreOptions> event_store_of(const std::string& config_file) {
  const auto site = SiteLoader(config_file).load();
  if (!site) {
    print(site.error());
    return std::nullopt;
  }
  const auto& hook = (*site)->success().hook;
  if (hook && hook->mode == HookOptions::Mode::async) return hook->store;
  std::cerr << "success.hook.mode: is not async, so no events are stored\n";
  return std::nullopt;
}

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

}  // namespace blobvalet::fcgi
