// `blobvalet keys status` and `keys switch`: what an operator types while rotating account keys.
#include <iostream>

#include "core/key_switch.hpp"
#include "fcgi/adapters/curl_http.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/config_file.hpp"
#include "fcgi/key_survey.hpp"
#include "fcgi/replace_file.hpp"
#include "fcgi/system_clock.hpp"

namespace blobvalet::fcgi {
namespace {

std::optional<ConfigFile> read_or_print(const std::string& file) {
  auto config = read_config_file(file);
  if (config) return std::move(*config);
  for (const ConfigFault& fault : config.error())
    std::cerr << fault.text() << "\n";
  return std::nullopt;
}

/// Asks Azure about the keys for which `wanted` is true.
template <class Wanted>
void ask_azure(const KeySurvey& survey, KeyReport& report, Wanted wanted) {
  const CurlLibrary library;
  const SystemClock clock;
  CurlHttp http;
  KeyProbe probe(http, clock);
  survey.ask(report, probe, wanted);
}

const KeyReport::Key* key_of(const KeyReport& report, const std::string& account, KeyRole role) {
  for (const KeyReport::Key& key : report.keys) {
    if (key.account == account && key.role == role) return &key;
  }
  return nullptr;
}

/// Why a key should not sign; empty: it works.
std::string objection(const KeyReport::Key& key) {
  if (!key.fault.empty()) return key.fault;
  if (!key.verdict || key.verdict->kind == KeyVerdict::Kind::works) return {};
  return key.verdict->reason;
}

/// What is still to be waited for, now that `before` does not sign any more.
std::string outlook(const KeyReport::Key& before, UtcSeconds now) {
  const std::string name(name_of(before.role));
  const auto& until = before.signed_until.time;
  if (!until || *until <= now) return name + " has signed nothing that is still valid";
  return "SAS signed by " + name + " are valid until " + (before.signed_until.is_bound ? "at most " : "") +
         std::string(UtcText(*until).view()) + ", " + describe(*until - now) + " from now";
}

}  // namespace

ExitCode show_keys(const std::string& config_file, const KeyStatusOptions& options) {
  const auto config = read_or_print(config_file);
  if (!config) return ExitCode::bad_configuration;
  const KeySurvey survey(*config, config_file);
  KeyReport report = survey.report(SystemClock().now());
  if (!options.offline) ask_azure(survey, report, [](const KeyReport::Key&) { return true; });
  survey.conclude(report);
  std::cout << (options.json ? report.to_json() : report.to_text());
  return report.is_fine() ? ExitCode::success : ExitCode::failure;
}

ExitCode switch_keys(const std::string& config_file, const KeySwitchOptions& options) {
  const auto config = read_or_print(config_file);
  if (!config) return ExitCode::bad_configuration;
  const auto switched = switch_key(config->text, options.account, options.to_next);
  if (!switched) {
    std::cerr << options.account << ": " << switched.error() << "\n";
    return ExitCode::failure;
  }
  const KeyRole to = switched->to_next ? KeyRole::next : KeyRole::current;
  if (!switched->changed) {
    std::cout << options.account << ": " << name_of(to) << " signs already\n";
    return ExitCode::success;
  }
  const KeySurvey survey(*config, config_file);
  KeyReport report = survey.report(SystemClock().now());
  const KeyReport::Key* target = key_of(report, options.account, to);
  if (!options.force)
    ask_azure(survey, report, [target](const KeyReport::Key& key) { return &key == target; });
  if (const std::string why = objection(*target); !options.force && !why.empty()) {
    std::cerr << options.account << ": " << name_of(to) << ": " << why
              << "\nNothing was changed; --force does it nevertheless.\n";
    return ExitCode::failure;
  }
  replace_file(config_file, config->text, switched->text);
  const KeyReport::Key* before =
      key_of(report, options.account, switched->to_next ? KeyRole::current : KeyRole::next);
  std::cout << options.account << ": " << name_of(to)
            << " signs from now on; workers follow within a second\n"
            << options.account << ": " << outlook(*before, report.now) << "\n";
  return ExitCode::success;
}

}  // namespace blobvalet::fcgi
