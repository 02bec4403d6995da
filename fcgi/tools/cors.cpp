#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <memory>

#include "core/blob_service.hpp"
#include "core/cors_rules.hpp"
#include "core/json_text.hpp"
#include "core/nginx_warnings.hpp"
#include "core/preflight.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/service_credential.hpp"
#include "fcgi/system_clock.hpp"
#include "fcgi/text_file.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

// A name that can belong to nobody (RFC 6761).
constexpr const char* kStranger = "https://not-listed.invalid";

struct CorsArguments {
  std::string account;               ///< empty: all that rules are about
  std::vector<std::string> origins;  ///< beside those of the configuration
  std::string origins_map;
  std::string sas_file;
  bool json = false;
};

using Rules = std::vector<CorsRule>;

/// Which accounts a command is about, and what it knows of each.
class Command {
 public:
  Command(const std::string& config_file, const ConfigFile& file, const CorsArguments& arguments)
      : config_file_(config_file), config_(file.config), arguments_(arguments) {}

  /// Empty, or why the arguments cannot be used.
  std::string prepare() {
    for (std::size_t i = 0; i < config_.accounts.size(); ++i) {
      const bool has_rule = std::ranges::find(config_.rules, i, &Rule::account_index) != config_.rules.end();
      const bool is_wanted =
          arguments_.account.empty() ? has_rule : config_.accounts[i].name == arguments_.account;
      if (is_wanted) accounts_.push_back(i);
    }
    if (accounts_.empty()) return "--account: is not the name of an account";
    for (const std::string& origin : arguments_.origins) {
      const auto url = EndpointUrl::parse(origin);
      if (!url || url->origin != origin) return "--origin: must be an origin such as https://www.example.com";
    }
    origins_ = arguments_.origins;
    return arguments_.origins_map.empty() ? std::string() : read_origins_map();
  }

  [[nodiscard]] const std::vector<std::size_t>& accounts() const { return accounts_; }
  [[nodiscard]] const Account& account(std::size_t index) const { return config_.accounts[index]; }
  [[nodiscard]] CorsNeeds needs(std::size_t index) const { return cors_needs(config_, index, origins_); }
  /// A container that a rule lets pages write to.
  [[nodiscard]] std::string container(std::size_t index) const {
    const auto rule = std::ranges::find(config_.rules, index, &Rule::account_index);
    return rule == config_.rules.end() ? std::string("uploads") : rule->container;
  }
  [[nodiscard]] tl::expected<BlobService, std::string> service(std::size_t index, Http& http) const {
    auto credential = service_credential(config_, index, config_file_, arguments_.sas_file);
    if (!credential) return tl::unexpected(std::move(credential.error()));
    return BlobService(config_.accounts[index], std::move(*credential), http, clock_);
  }
  [[nodiscard]] std::vector<std::string> parameters() const { return config_.cors.parameters; }

 private:
  std::string read_origins_map() {
    const auto text = read_text_file(arguments_.origins_map);
    if (!text) return arguments_.origins_map + ": cannot be read: " + std::strerror(errno);
    const auto nginx =
        NginxConfig::parse("# configuration file " + arguments_.origins_map +
                           ":\nhttp { map $http_origin $blobvalet_listed {\n" + *text + "\n}}");
    if (!nginx) return nginx.error();
    for (std::string& origin : listed_origins(*nginx))
      origins_.push_back(std::move(origin));
    return {};
  }

  const std::filesystem::path config_file_;
  const Config& config_;
  const CorsArguments& arguments_;
  const SystemClock clock_;
  std::vector<std::size_t> accounts_;
  std::vector<std::string> origins_;
};

tl::expected<Rules, std::string> rules_of(BlobService& service) {
  const auto xml = service.properties();
  if (!xml) return tl::unexpected(xml.error());
  return parse_cors_rules(*xml);
}

std::string text_of(const CorsRule& rule, const CorsNeeds& needs) {
  std::string text = rule.methods + " from " + rule.origins + "; headers " +
                     (rule.headers.empty() ? "none" : rule.headers) + "; exposed " +
                     (rule.exposed.empty() ? "none" : rule.exposed) + "; " + rule.max_age + " s";
  return needs.owns(rule) ? text + " (ours)" : text;
}

void put(JsonText& json, const char* name, const Rules& rules, const CorsNeeds& needs) {
  json.begin_array(name);
  for (const CorsRule& rule : rules) {
    json.begin_object();
    json.text("allowed_origins", rule.origins);
    json.text("allowed_methods", rule.methods);
    json.text("allowed_headers", rule.headers);
    json.text("exposed_headers", rule.exposed);
    json.text("max_age_seconds", rule.max_age);
    json.boolean("ours", needs.owns(rule));
    json.end_object();
  }
  json.end_array();
}

/// How the commands end that go through all accounts: the worst that came.
class Outcome {
 public:
  explicit Outcome(bool json) : is_json_(json) {
    json_.begin_object();
    json_.begin_array("accounts");
  }
  void refuse(const std::string& account, const std::string& why) {
    std::cerr << why << "\n";
    begin(account);
    json_.text("error", why);
    end(ExitCode::refused);
  }
  void begin(const std::string& account) {
    json_.begin_object();
    json_.text("account", account);
  }
  void end(ExitCode code) {
    json_.end_object();
    worst_ = std::max(worst_, code);
  }
  [[nodiscard]] JsonText& json() { return json_; }
  void say(const std::string& line) const {
    if (!is_json_) std::cout << line << "\n";
  }
  ExitCode finish() {
    json_.end_array();
    json_.end_object();
    if (is_json_) std::cout << json_.take();
    return worst_;
  }

 private:
  bool is_json_;
  JsonText json_;
  ExitCode worst_ = ExitCode::success;
};

ExitCode show(const Command& command, bool json) {
  Outcome outcome(json);
  CurlHttp http;
  for (const std::size_t index : command.accounts()) {
    const std::string& name = command.account(index).name;
    auto service = command.service(index, http);
    const auto rules = service ? rules_of(*service) : tl::unexpected(service.error());
    if (!rules) {
      outcome.refuse(name, rules.error());
      continue;
    }
    const CorsNeeds needs = command.needs(index);
    outcome.begin(name);
    put(outcome.json(), "rules", *rules, needs);
    outcome.end(ExitCode::success);
    outcome.say(name + ": " +
                (rules->empty() ? "no CORS rule" : std::to_string(rules->size()) + " of 5 rules"));
    for (std::size_t i = 0; i < rules->size(); ++i)
      outcome.say("  " + std::to_string(i + 1) + ". " + text_of((*rules)[i], needs));
  }
  return outcome.finish();
}

/// The rules that there will be, with a sign before those that come and those that go.
void say_difference(const Outcome& outcome, const Rules& before, const CorsPlan& plan,
                    const CorsNeeds& needs) {
  for (const CorsRule& rule : before) {
    if (std::ranges::find(plan.rules, rule) == plan.rules.end()) outcome.say("- " + text_of(rule, needs));
  }
  for (const CorsRule& rule : plan.rules) {
    const bool is_new = std::ranges::find(before, rule) == before.end();
    outcome.say((is_new ? "+ " : "  ") + text_of(rule, needs));
  }
}

/// Sends the rules, and looks at what the account has then.
tl::expected<void, std::string> set_rules(BlobService& service, const std::string& name, const Rules& rules) {
  auto done = service.set_properties(cors_rules_xml(rules));
  if (!done) return done;
  const auto after = rules_of(service);
  if (!after) return tl::unexpected(after.error());
  if (same_rules(*after, rules)) return {};
  return tl::unexpected(name +
                        ": the account does not show the new rules: look once more in half a minute, "
                        "by blobvalet cors plan");
}

/// Plans for one account, and does it if `apply`.
void settle(Outcome& outcome, BlobService& service, const std::string& name, const CorsNeeds& needs,
            bool apply) {
  const auto before = rules_of(service);
  if (!before) return outcome.refuse(name, before.error());
  const auto plan = plan_cors(*before, needs);
  if (!plan) return outcome.refuse(name, name + ": " + plan.error());
  if (plan->changes && apply) {
    const auto done = set_rules(service, name, plan->rules);
    if (!done) return outcome.refuse(name, done.error());
  }
  outcome.begin(name);
  outcome.json().boolean("changes", plan->changes);
  outcome.json().text("why", plan->why);
  put(outcome.json(), "before", *before, needs);
  put(outcome.json(), "after", plan->rules, needs);
  outcome.end(plan->changes && !apply ? ExitCode::failure : ExitCode::success);
  if (!plan->changes) return outcome.say(name + ": nothing to change; " + plan->why);
  outcome.say(name + ": " + (apply ? "changed; browsers see it within half a minute" : "to be changed") +
              "; " + plan->why);
  say_difference(outcome, *before, *plan, needs);
}

/// False, said, if there is nothing that a rule could be made of.
bool has_needs(Outcome& outcome, const std::string& name, const CorsNeeds& needs) {
  if (!needs.origins.empty() && !needs.methods.empty()) return true;
  outcome.refuse(name, needs.methods.empty()
                           ? name + ": no rule of the configuration is about this account"
                           : "cors.origins: names no page; list them, or use --origin or --origins-map");
  return false;
}

ExitCode plan_or_apply(const Command& command, bool json, bool apply) {
  Outcome outcome(json);
  CurlHttp http;
  for (const std::size_t index : command.accounts()) {
    const std::string& name = command.account(index).name;
    const CorsNeeds needs = command.needs(index);
    if (!has_needs(outcome, name, needs)) continue;
    auto service = command.service(index, http);
    if (!service) {
      outcome.refuse(name, service.error());
      continue;
    }
    settle(outcome, *service, name, needs, apply);
  }
  return outcome.finish();
}

/// The headers of a real upload.
std::vector<std::string> upload_headers(const CorsNeeds& needs, const std::vector<std::string>& parameters) {
  std::vector<std::string> headers;
  for (const std::string& header : needs.headers) {
    if (header != "x-ms-meta-*") {
      headers.push_back(header);
      continue;
    }
    headers.emplace_back("x-ms-meta-qqfilename");
    for (const std::string& name : parameters)
      headers.push_back("x-ms-meta-" + name);
  }
  return headers;
}

class Test {
 public:
  Test(Outcome& outcome, Http& http) : outcome_(outcome), http_(http) {}

  void run(const Account& account, const std::string& container, const CorsNeeds& needs,
           const std::vector<std::string>& parameters) {
    outcome_.begin(account.name);
    outcome_.json().begin_array("preflights");
    for (const EndpointUrl& endpoint : account.endpoints) {
      Preflight preflight;
      preflight.url = endpoint.url() + "/" + container + "/blobvalet-preflight";
      for (const std::string& method : needs.methods) {
        preflight.method = method;
        preflight.headers = method == "PUT" ? upload_headers(needs, parameters) : std::vector<std::string>();
        for (const std::string& origin : needs.origins)
          ask(preflight, origin, account.requests.ca_file, true);
        ask(preflight, kStranger, account.requests.ca_file, false);
      }
    }
    outcome_.json().end_array();
    outcome_.end(failed_ ? ExitCode::failure : ExitCode::success);
  }

 private:
  void ask(Preflight& preflight, const std::string& origin, const std::string& ca_file, bool is_wanted) {
    preflight.origin = origin;
    const auto answer = http_.send(preflight.call(ca_file));
    const std::string objection =
        answer ? preflight.objection(*answer) : std::string(describe(answer.error()));
    std::string fault = is_wanted ? objection : std::string();
    if (!is_wanted && !answer) fault = objection;
    if (!is_wanted && objection.empty())
      fault = "is allowed, though nobody has listed it: a rule of the account is too wide";
    failed_ |= !fault.empty();
    JsonText& json = outcome_.json();
    json.begin_object();
    json.text("url", preflight.url);
    json.text("origin", origin);
    json.text("method", preflight.method);
    json.boolean("wanted", is_wanted);
    json.boolean("ok", fault.empty());
    if (!fault.empty()) json.text("fault", fault);
    json.end_object();
    outcome_.say((fault.empty() ? "ok     " : "fails  ") + preflight.method + " from " + origin + " to " +
                 preflight.url + (is_wanted ? "" : ", which has to be refused") +
                 (fault.empty() ? "" : ": " + fault));
  }

  Outcome& outcome_;
  Http& http_;
  bool failed_ = false;
};

ExitCode test(const Command& command, bool json) {
  Outcome outcome(json);
  CurlHttp http;
  for (const std::size_t index : command.accounts()) {
    const Account& account = command.account(index);
    const CorsNeeds needs = command.needs(index);
    if (!has_needs(outcome, account.name, needs)) continue;
    Test(outcome, http).run(account, command.container(index), needs, command.parameters());
  }
  return outcome.finish();
}

enum class Verb : std::uint8_t { show, plan, apply, test };

ExitCode run(Verb verb, const std::string& config_file, const CorsArguments& arguments) {
  const auto file = read_config_file(config_file);
  if (!file) {
    print_faults(file.error());
    return ExitCode::bad_configuration;
  }
  Command command(config_file, *file, arguments);
  if (const std::string fault = command.prepare(); !fault.empty()) {
    std::cerr << fault << "\n";
    return ExitCode::usage;
  }
  const CurlLibrary library;
  switch (verb) {
    case Verb::show: return show(command, arguments.json);
    case Verb::plan: return plan_or_apply(command, arguments.json, false);
    case Verb::apply: return plan_or_apply(command, arguments.json, true);
    case Verb::test: break;
  }
  return test(command, arguments.json);
}

}  // namespace

void add_cors(CLI::App& app, CommandLine& line) {
  CLI::App* cors = app.add_subcommand("cors", "The storage account's CORS rule");
  add_config_option(*cors, line);
  cors->require_subcommand(1);
  struct Entry {
    Verb verb;
    const char* name;
    const char* help;
  };
  static constexpr std::array<Entry, 4> kEntries{
      {{Verb::show, "show", "The rules that the account has"},
       {Verb::plan, "plan", "What apply would change; exit code 1 if that is anything"},
       {Verb::apply, "apply", "Give the account the rule that pages need, beside those of others"},
       {Verb::test, "test", "Ask the account as browsers do, for each origin and method"}}};
  const auto arguments = std::make_shared<CorsArguments>();
  for (const Entry& entry : kEntries) {
    CLI::App* command = cors->add_subcommand(entry.name, entry.help);
    command->fallthrough();
    command->add_option("--account", arguments->account, "This account only");
    command->add_option("--origin", arguments->origins,
                        "A page's origin, beside cors.origins; may be repeated");
    command->add_option("--origins-map", arguments->origins_map,
                        "nginx's origins.map, whose origins are added");
    if (entry.verb != Verb::test)
      command->add_option("--sas-file", arguments->sas_file, "An account SAS (ss=b, srt=s, sp=rw) to use");
    command->add_flag("--json", arguments->json, "One JSON object");
    command->callback(
        [verb = entry.verb, arguments, &line] { line.outcome = run(verb, line.config_file, *arguments); });
  }
}

}  // namespace blobvalet::fcgi
