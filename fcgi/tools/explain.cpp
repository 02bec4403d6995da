#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "core/ascii.hpp"
#include "core/logged_request.hpp"
#include "core/request_explanation.hpp"
#include "core/sas_explanation.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/key_loader.hpp"
#include "fcgi/log_input.hpp"
#include "fcgi/system_clock.hpp"
#include "fcgi/tools/json_object.hpp"
#include "fcgi/tools/tools.hpp"

namespace blobvalet::fcgi {
namespace {

struct ExplainOptions {
  std::vector<std::string> inputs;
  std::string method;
  std::string user;
  std::string remote_addr;
  std::vector<std::string> vars;
  std::vector<std::string> headers;
  std::string at;
  bool config_given = false;
  bool json = false;
};

/// `name=value` or `name: value`, whose views point into `text`.
NamedValue split_pair(std::string_view text, char separator, const char* option) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) throw CLI::ValidationError(option, "must be a name and a value");
  std::string_view value = text.substr(at + 1);
  value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
  return {text.substr(0, at), value};
}

std::vector<NamedValue> split_pairs(const std::vector<std::string>& texts, char separator,
                                    const char* option) {
  std::vector<NamedValue> pairs;
  pairs.reserve(texts.size());
  for (const std::string& text : texts)
    pairs.push_back(split_pair(text, separator, option));
  return pairs;
}

/// What there is to hold a paste against; each part may be missing.
struct Knowledge {
  std::optional<SiteRules> rules;
  std::vector<AccountKeys> keys;
  std::vector<std::string> remarks;
};

/// Reads configuration and keys as far as whoever runs this may. Nothing, with the faults printed, if it was
/// asked to use a configuration that it cannot use.
std::optional<Knowledge> load_knowledge(const std::string& config_file, bool config_given) {
  Knowledge known;
  if (!config_given && !std::filesystem::exists(config_file)) {
    known.remarks.push_back("there is no " + config_file +
                            " (--config): neither rules nor signatures were checked");
    return known;
  }
  auto file = read_config_file(config_file);
  if (!file) {
    print_faults(file.error());
    return std::nullopt;
  }
  KeyLoader loader(std::filesystem::path(config_file).parent_path());
  ConfigFaults faults;
  known.keys = loader.load(file->config.accounts, KeyDirectory(file->config.keys.directory), faults);
  for (const ConfigFault& fault : faults)
    known.remarks.push_back("a key cannot be read: " + fault.text());
  known.rules.emplace(std::move(file->config));
  return known;
}

/// The account, its endpoint's path and its keys.
void add_account(SasCircumstances& circumstances, const SasUrl& url, const Knowledge& known) {
  circumstances.endpoint_path = guess_endpoint_path(url);
  if (!known.rules) return;
  std::size_t longest = 0;
  const auto& accounts = known.rules->accounts();
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    for (const EndpointUrl& endpoint : accounts[i].endpoints) {
      const bool same_host = endpoint.origin.substr(endpoint.origin.find("://") + 3) == url.host;
      if (!same_host || !url.path.starts_with(endpoint.path + "/") || endpoint.path.size() < longest)
        continue;
      longest = endpoint.path.size();
      circumstances.account = accounts[i].name;
      circumstances.endpoint_path = endpoint.path;
      circumstances.keys = {{accounts[i].name + "'s current key", known.keys.at(i).current},
                            {accounts[i].name + "'s next key", known.keys.at(i).next}};
    }
  }
}

/// Whatever it was, in one form.
struct Explanation {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> parts;
  std::vector<Finding> findings;
  std::vector<RuleRemark> rules;
  std::vector<ComparedField> fields;
  std::vector<std::string> unchecked;
  bool is_verified = false;

  void add(RequestExplanation other) {
    std::ranges::move(other.parts, std::back_inserter(parts));
    std::ranges::move(other.findings, std::back_inserter(findings));
    std::ranges::move(other.rules, std::back_inserter(rules));
  }
  void add(SasExplanation other) {
    std::ranges::move(other.findings, std::back_inserter(findings));
    fields = std::move(other.fields);
    unchecked = std::move(other.unchecked);
    is_verified = other.is_verified;
  }
  [[nodiscard]] bool has_fault() const {
    return std::ranges::any_of(findings, [](const Finding& f) { return f.level == Finding::Level::fault; });
  }
};

class Explainer {
 public:
  Explainer(const ExplainOptions& options, const Knowledge& known, const std::string& text)
      : options_(options), known_(known), text_(text), vars_(split_pairs(options.vars, '=', "--var")) {}

  /// Nothing for a text that is nothing known.
  [[nodiscard]] std::optional<Explanation> run() {
    if (explain_line()) return std::move(found_);
    if (auto complaint = explain_complaint(text_)) {
      found_.kind = "complaint";
      found_.add(std::move(*complaint));
    }
    if (explain_azure() || !found_.kind.empty()) return std::move(found_);
    if (explain_nginx() || explain_uri()) return std::move(found_);
    return std::nullopt;
  }

 private:
  [[nodiscard]] const SiteRules* rules() const { return known_.rules ? &*known_.rules : nullptr; }

  bool explain_line() {
    LogReader reader;
    const LoggedRequest* line = nullptr;
    std::string_view rest(text_);
    while (line == nullptr && !rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      line = reader.read(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (line == nullptr) return false;
    found_.kind = "log line";
    found_.add(explain_logged(*line, rules()));
    return true;
  }

  bool explain_azure() {
    const auto url = SasUrl::parse(text_);
    SasCircumstances circumstances;
    circumstances.error = AzureError::find(text_);
    const bool has_sas = url && url->is_signed();
    if (!has_sas && !circumstances.error) return false;
    const auto at = options_.at.empty() ? SystemClock().now() : parse_utc(options_.at);
    if (!at) throw CLI::ValidationError("--at", "must look like 2026-03-01T12:00:00Z");
    circumstances.now = *at;
    circumstances.method = options_.method;
    circumstances.remote_addr = options_.remote_addr;
    for (const NamedValue& header : split_pairs(options_.headers, ':', "--header")) {
      header_names_.push_back(lower_case(header.name));
      circumstances.headers.push_back({{}, header.value});
    }
    for (std::size_t i = 0; i < header_names_.size(); ++i)
      circumstances.headers[i].name = header_names_[i];
    if (!has_sas) {
      found_.kind = "Azure error";
      found_.add(explain_error(circumstances));
      return true;
    }
    add_account(circumstances, *url, known_);
    found_.kind = circumstances.error ? "Azure error and SAS" : "SAS";
    const BlobLocation location = locate(*url, circumstances.endpoint_path, circumstances.account);
    found_.parts = {{"kind", url->is_delegation() ? "user delegation SAS" : "service SAS"}};
    if (!url->host.empty()) {
      found_.parts.insert(
          found_.parts.end(),
          {{"account", location.account + (circumstances.account.empty() ? " (not configured)" : "")},
           {"container", location.container},
           {"blob", location.blob}});
    }
    found_.add(explain_sas(*url, circumstances));
    return true;
  }

  [[nodiscard]] std::vector<BlobVerb> verbs() const {
    if (const auto verb = parse_blob_verb(options_.method)) return {*verb};
    return {BlobVerb::put, BlobVerb::del};
  }

  bool explain_nginx() {
    const auto request = NginxRequest::find(text_);
    if (!request) return false;
    found_.kind = "nginx line";
    const std::string& user = options_.user.empty() ? request->user : options_.user;
    found_.add(explain_request({request->blob_uri,
                                {user, options_.remote_addr, vars_},
                                request->verb ? std::vector{*request->verb} : verbs(),
                                {request->file_size, request->file_type}},
                               rules()));
    if (!request->status.empty()) found_.parts.emplace_back("status", request->status);
    return true;
  }

  bool explain_uri() {
    const std::size_t begin = text_.find_first_not_of(" \t\r\n\"'");
    std::string_view uri = std::string_view(text_).substr(std::min(begin, text_.size()));
    uri = uri.substr(0, uri.find_first_of("\r\n\"'"));
    if (!uri.starts_with("http://") && !uri.starts_with("https://")) return false;
    found_.kind = "bloburi";
    found_.add(explain_request({uri, {options_.user, options_.remote_addr, vars_}, verbs()}, rules()));
    return true;
  }

  const ExplainOptions& options_;
  const Knowledge& known_;
  const std::string& text_;
  std::vector<NamedValue> vars_;
  std::vector<std::string> header_names_;
  Explanation found_;
};

/// A page may have taken a signed URL for a name: what was pasted must not give a signature away.
std::string masked(std::string_view text) {
  const std::string lower = lower_case(text);
  for (std::size_t at = lower.find("sig"); at != std::string::npos; at = lower.find("sig", at + 1)) {
    const std::string_view behind = std::string_view(lower).substr(at + 3);
    if (behind.starts_with('=') || behind.starts_with("%3d") || behind.starts_with("%253d")) {
      return std::string(text.substr(0, at)) + "(signature)";
    }
  }
  return std::string(text);
}

const char* name_of(Finding::Level level) {
  switch (level) {
    case Finding::Level::fault: return "fault";
    case Finding::Level::warning: return "warning";
    case Finding::Level::note: return "note";
  }
  return "";
}

std::string shown(const std::string& value) {
  std::string text = masked(value);
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at))
    text.replace(at, 1, "\\n");
  return text.empty() ? "(empty)" : text;
}

void print(const Explanation& found) {
  std::cout << found.kind << "\n" << std::left;
  for (const auto& [name, value] : found.parts)
    std::cout << "  " << std::setw(10) << name << shown(value) << "\n";
  for (const Finding& finding : found.findings) {
    std::cout << std::setw(9) << name_of(finding.level) << finding.field << ": " << masked(finding.what)
              << "\n";
  }
  for (const std::string& what : found.unchecked)
    std::cout << std::setw(9) << "unknown" << what << "\n";
  for (const RuleRemark& rule : found.rules) {
    std::cout << std::setw(9) << "rule" << rule.verb << " " << rule.rule << " (" << rule.patterns << "): "
              << (rule.objection.empty() ? (rule.decides ? "allows it" : "would allow it, too")
                                         : rule.objection)
              << "\n";
  }
  if (!found.fields.empty()) std::cout << "string-to-sign\n";
  for (const ComparedField& field : found.fields) {
    std::cout << "  " << std::setw(10) << field.name << shown(field.ours);
    if (field.azures && *field.azures != field.ours) std::cout << "   <> Azure: " << shown(*field.azures);
    std::cout << "\n";
  }
  if (!found.has_fault()) std::cout << "no fault found\n";
}

void print_json(const Explanation& found) {
  JsonObject json;
  json.text("kind", found.kind)
      .boolean("fault", found.has_fault())
      .boolean("signature_verified", found.is_verified);
  json.begin_object("parts");
  for (const auto& [name, value] : found.parts) {
    if (!name.empty()) json.text(name, masked(value));
  }
  json.end_object().begin_list("findings");
  for (const Finding& finding : found.findings) {
    json.begin_object().text("level", name_of(finding.level)).text("field", finding.field);
    json.text("what", masked(finding.what)).end_object();
  }
  json.end_list().begin_list("unchecked");
  for (const std::string& what : found.unchecked)
    json.item(what);
  json.end_list().begin_list("rules");
  for (const RuleRemark& rule : found.rules) {
    json.begin_object().text("verb", rule.verb).text("rule", rule.rule).text("patterns", rule.patterns);
    json.boolean("allows", rule.objection.empty()).boolean("decides", rule.decides);
    json.given("objection", rule.objection).end_object();
  }
  json.end_list().begin_list("string_to_sign");
  for (const ComparedField& field : found.fields) {
    json.begin_object().text("field", field.name).text("ours", masked(field.ours));
    if (field.azures) json.text("azure", masked(*field.azures));
    json.end_object();
  }
  json.end_list().print();
}

std::string read_inputs(const std::vector<std::string>& inputs) {
  std::string text;
  for (const std::string& input : inputs)
    text.append(read_argument(input)).append("\n");
  return text;
}

ExitCode explain(const std::string& config_file, const ExplainOptions& options) {
  const auto known = load_knowledge(config_file, options.config_given);
  if (!known) return ExitCode::bad_configuration;
  const std::string text = read_inputs(options.inputs);
  auto found = Explainer(options, *known, text).run();
  if (!found) {
    std::cerr << "input: is neither a SAS URL, an error of Azure's, a bloburi, nor a line of a log\n";
    return ExitCode::usage;
  }
  for (const std::string& remark : known->remarks)
    found->unchecked.push_back(remark);
  if (options.json) {
    print_json(*found);
  } else {
    print(*found);
  }
  return found->has_fault() ? ExitCode::failure : ExitCode::success;
}

}  // namespace

void add_explain(CLI::App& app, CommandLine& line) {
  CLI::App* command =
      app.add_subcommand("explain", "Say what is wrong with a SAS, an Azure error, a bloburi or a refusal");
  add_config_option(*command, line);
  const auto options = std::make_shared<ExplainOptions>();
  command->add_option(
      "input", options->inputs,
      "What to explain: the text itself, a file, or - for standard input (also the default); an error "
      "and its URL together");
  command->add_option("--method", options->method, "HTTP method of the request, such as PUT")
      ->check(CLI::IsMember({"PUT", "DELETE", "GET", "HEAD"}));
  command->add_option("--user", options->user, "The user nginx would vouch for; none: nobody");
  command->add_option("--var", options->vars, "name=value for a pattern's {name}; may be repeated");
  command->add_option("--remote-addr", options->remote_addr, "The client's address");
  command->add_option("--header", options->headers,
                      "'name: value' of a header that srh binds; may be repeated");
  command->add_option("--at", options->at, "As if it were this time, such as 2026-03-01T12:00:00Z");
  command->add_flag("--json", options->json, "One JSON object");
  command->callback([options, &app, command, &line] {
    options->config_given = app.count("--config") + command->count("--config") > 0;
    if (options->inputs.empty()) options->inputs.emplace_back("-");
    line.outcome = explain(line.config_file, *options);
  });
}

}  // namespace blobvalet::fcgi
