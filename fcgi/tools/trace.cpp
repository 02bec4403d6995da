#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "core/sas_trace.hpp"
#include "fcgi/log_input.hpp"
#include "fcgi/tools/json_object.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

using Grant = SasTrace::Grant;

struct TraceOptions {
  std::string sas;
  std::vector<std::string> logs;
  std::optional<unsigned> around_seconds;
  bool json = false;
};

/// A user, or who asked without being one.
std::string person(const Grant& grant) {
  std::string text(grant.user.empty() ? "nobody (not logged in)" : grant.user);
  if (!grant.remote_addr.empty()) text.append(" from ").append(grant.remote_addr);
  return text;
}

std::string object_of(const Grant& grant) {
  return grant.account + "/" + grant.container + "/" + grant.blob;
}

void row(const char* name, const std::string& value) {
  if (!value.empty()) std::cout << "  " << std::left << std::setw(12) << name << value << "\n";
}

void print(const Grant& grant) {
  row("given to", person(grant));
  for (const auto& [name, value] : grant.vars)
    row("", "{" + name + "} " + (value.empty() ? "(none)" : value));
  row("at", grant.time);
  row("request", grant.request_id);
  const bool shows = grant.endpoint == "success" || grant.endpoint == "session";
  row("for", (shows ? "showing " : grant.verb + " ") + object_of(grant));
  row("permissions", grant.permissions);
  row("by rule", grant.rule);
  row("from", grant.starts);
  row("until", grant.expires);
  row("bound to", grant.ip);
}

void print(const WantedSas& wanted) {
  if (wanted.used_at.empty() && wanted.operation.empty()) return;
  std::string text(wanted.used_at);
  if (!wanted.operation.empty()) text.append(" ").append(wanted.operation);
  if (!wanted.used_from.empty()) text.append(" from ").append(wanted.used_from);
  if (!wanted.status.empty()) text.append(", status ").append(wanted.status);
  row("used", text);
}

void print(const SasTrace::Found& found) {
  std::cout << found.wanted.sha256 << "\n";
  print(found.wanted);
  if (found.grants.empty()) std::cout << "  not found\n";
  for (const Grant& grant : found.grants)
    print(grant);
  if (found.grants.size() > 1) {
    std::cout << "  " << found.grants.size()
              << " equal requests within a second were given the same SAS; any of them may have used it\n";
  }
  if (!found.around.empty()) std::cout << "  the same person was also given\n";
  for (const Grant& grant : found.around) {
    std::cout << "    " << grant.time << " " << grant.verb << " " << object_of(grant) << " ("
              << grant.permissions << ", until " << grant.expires << ", rule " << grant.rule << ")\n";
  }
}

std::string searched_text(const SasTrace::Searched& searched, std::uint64_t lines) {
  std::string text("searched " + std::to_string(lines) + " lines with " + std::to_string(searched.requests) +
                   " requests, " + std::to_string(searched.grants) + " of which name a SAS");
  if (!searched.from.empty()) text.append(", ").append(searched.from).append(" to ").append(searched.to);
  return text;
}

void add(JsonObject& json, const Grant& grant) {
  json.begin_object().text("time", grant.time).given("request_id", grant.request_id);
  json.text("endpoint", grant.endpoint).text("user", grant.user).given("remote_addr", grant.remote_addr);
  if (!grant.vars.empty()) {
    json.begin_object("vars");
    for (const auto& [name, value] : grant.vars)
      json.text(name, value);
    json.end_object();
  }
  json.text("verb", grant.verb).text("account", grant.account).text("container", grant.container);
  json.text("blob", grant.blob).text("rule", grant.rule).text("permissions", grant.permissions);
  json.given("starts", grant.starts).text("expires", grant.expires).given("ip", grant.ip);
  json.text("signature_sha256", grant.sha256).end_object();
}

void add(JsonObject& json, const char* name, const std::vector<Grant>& grants) {
  json.begin_list(name);
  for (const Grant& grant : grants)
    add(json, grant);
  json.end_list();
}

void print_json(const SasTrace& trace, std::uint64_t lines) {
  const SasTrace::Searched& searched = trace.searched();
  JsonObject json;
  json.begin_object("searched").number("lines", lines).number("requests", searched.requests);
  json.number("grants", searched.grants).given("from", searched.from).given("to", searched.to).end_object();
  json.begin_list("sas");
  for (const SasTrace::Found& found : trace.found()) {
    json.begin_object().text("signature_sha256", found.wanted.sha256);
    json.boolean("found", !found.grants.empty()).given("used_at", found.wanted.used_at);
    json.given("used_from", found.wanted.used_from).given("operation", found.wanted.operation);
    json.given("status", found.wanted.status);
    add(json, "grants", found.grants);
    add(json, "around", found.around);
    json.end_object();
  }
  json.end_list().print();
}

ExitCode trace(const TraceOptions& options) {
  std::vector<WantedSas> wanted = wanted_sas(read_argument(options.sas));
  if (wanted.empty()) {
    std::cerr
        << "sas: neither a SHA-256 in hexadecimal digits, nor a SAS URL, nor a line of Azure's storage log\n";
    return ExitCode::usage;
  }
  std::optional<std::chrono::seconds> around;
  if (options.around_seconds) around = std::chrono::seconds(*options.around_seconds);
  SasTrace trace(std::move(wanted), around);
  LogInput input(options.logs);
  LogReader reader;
  for (std::string_view text; input.next(text);) {
    if (const LoggedRequest* line = reader.read(text)) trace.read(*line);
  }
  bool all_found = true;
  for (const SasTrace::Found& found : trace.found())
    all_found &= !found.grants.empty();
  if (options.json) {
    print_json(trace, input.lines());
  } else {
    for (const SasTrace::Found& found : trace.found())
      print(found);
  }
  const SasTrace::Searched& searched = trace.searched();
  if (!all_found) {
    std::cerr << "log: " << searched_text(searched, input.lines()) << "\n";
    if (searched.grants == 0 && searched.requests > 0) {
      std::cerr
          << "log: no line names a SAS: server.audit_log was false, or this is the log of a version before "
             "0.4\n";
    }
  }
  return all_found ? ExitCode::success : ExitCode::failure;
}

}  // namespace

void add_trace(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      app.add_subcommand("trace", "Say who was given a SAS that Azure's storage log speaks of");
  const auto options = std::make_shared<TraceOptions>();
  command
      ->add_option("sas", options->sas,
                   "SHA-256 of a signature, SAS URL, or lines of Azure's log; a file of these, or - for "
                   "standard input")
      ->required();
  command->add_option("log", options->logs,
                      "blobvalet's log: files, or - for standard input (also the default)");
  command->add_option("--around", options->around_seconds,
                      "Also what the same person was given so many seconds before and after");
  command->add_flag("--json", options->json, "One JSON object");
  command->callback([options, &line] {
    if (options->logs.empty()) options->logs.emplace_back("-");
    if (options->sas == "-" && std::ranges::count(options->logs, "-") > 0) {
      throw CLI::ValidationError("log", "standard input cannot be both the SAS and the log");
    }
    line.outcome = trace(*options);
  });
}

}  // namespace blobvalet::fcgi
