#include <exception>
#include <iostream>

#include "core/version.hpp"
#include "fcgi/commands.hpp"
#include "fcgi/log.hpp"
#include "fcgi/process_guard.hpp"
#include "fcgi/site_callbacks.hpp"
#include "fcgi/tools/tools.hpp"

namespace {

using blobvalet::fcgi::add_config_option;
using blobvalet::fcgi::ExitCode;

struct Arguments : blobvalet::fcgi::CommandLine {
  std::string event_id;
  bool signatures_only = false;
  bool json = false;
  bool all_dead = false;
  bool once = false;
  std::string to;
  blobvalet::fcgi::KeyStatusOptions key_status;
  blobvalet::fcgi::KeySwitchOptions key_switch;
};

struct EventCommands {
  CLI::App* list;
  CLI::App* retry;
  CLI::App* drop;
};

EventCommands add_event_commands(CLI::App& events, Arguments& arguments) {
  add_config_option(events, arguments);
  events.require_subcommand(1);
  EventCommands commands{events.add_subcommand("list", "All events that wait or are dead, oldest first"),
                         events.add_subcommand("retry", "Deliver an event at once, or dead ones once more"),
                         events.add_subcommand("drop", "Forget an event")};
  for (CLI::App* command : {commands.list, commands.retry, commands.drop})
    command->fallthrough();  // --config before or behind the command
  commands.list->add_flag("--json", arguments.json, "One JSON object a line, with the message");
  auto* id = commands.retry->add_option("id", arguments.event_id, "The event's id");
  commands.retry->add_flag("--all-dead", arguments.all_dead, "All dead events")->excludes(id);
  commands.drop->add_option("id", arguments.event_id, "The event's id")->required();
  return commands;
}

ExitCode run_events(const EventCommands& commands, const Arguments& arguments) {
  const auto store = blobvalet::fcgi::event_store_of(arguments.config_file);
  if (!store) return ExitCode::bad_configuration;
  if (*commands.list) return blobvalet::fcgi::list_events(*store, arguments.json);
  if (*commands.drop) return blobvalet::fcgi::drop_event(*store, arguments.event_id);
  if (arguments.all_dead) return blobvalet::fcgi::retry_events(*store, std::nullopt);
  return blobvalet::fcgi::retry_events(*store, arguments.event_id);
}

struct KeyCommands {
  CLI::App* status;
  CLI::App* switch_to;
  CLI::App* renew;
};

KeyCommands add_key_commands(CLI::App& keys, Arguments& arguments) {
  add_config_option(keys, arguments);
  keys.require_subcommand(1);
  KeyCommands commands{
      keys.add_subcommand("status", "Which keys sign, whether Azure takes them, and what may be regenerated"),
      keys.add_subcommand("switch", "Let an account sign with its other key"),
      keys.add_subcommand("renew", "Keep user delegation keys fresh, and watch the clock, until SIGTERM")};
  for (CLI::App* command : {commands.status, commands.switch_to, commands.renew})
    command->fallthrough();
  commands.status->add_flag("--json", arguments.key_status.json, "One JSON object");
  commands.status->add_flag("--offline", arguments.key_status.offline, "Do not ask Azure");
  commands.switch_to->add_option("account", arguments.key_switch.account, "The account's name")->required();
  commands.switch_to
      ->add_option("--to", arguments.to, "current or next; by default the one that does not sign")
      ->check(CLI::IsMember({"current", "next"}));
  commands.switch_to->add_flag("--force", arguments.key_switch.force, "Also to a key that may not work");
  commands.renew->add_flag("--once", arguments.once, "Renew what is due, and end");
  return commands;
}

ExitCode run_serve(const Arguments& arguments, const std::vector<std::string>& guard_faults) {
  blobvalet::fcgi::log_guard_faults(guard_faults);
  if (arguments.signatures_only) return blobvalet::fcgi::serve(arguments.config_file, {});
  return blobvalet::fcgi::serve(arguments.config_file,
                                [](const blobvalet::Clock& clock, blobvalet::Meters* meters) {
                                  return std::make_unique<blobvalet::fcgi::SiteCallbacks>(clock, meters);
                                });
}

ExitCode run_renew(const Arguments& arguments, const std::vector<std::string>& guard_faults) {
  blobvalet::fcgi::log_guard_faults(guard_faults);
  return blobvalet::fcgi::renew_keys(arguments.config_file, arguments.once);
}

ExitCode run_keys(const KeyCommands& commands, Arguments& arguments,
                  const std::vector<std::string>& guard_faults) {
  if (*commands.renew) return run_renew(arguments, guard_faults);
  if (*commands.status) return blobvalet::fcgi::show_keys(arguments.config_file, arguments.key_status);
  if (!arguments.to.empty()) arguments.key_switch.to_next = arguments.to == "next";
  return blobvalet::fcgi::switch_keys(arguments.config_file, arguments.key_switch);
}

ExitCode run(int argc, char** argv) {
  const std::vector<std::string> guard_faults = blobvalet::fcgi::guard_process();
  CLI::App app("Signs Azure Blob SAS URIs for Fine Uploader, as a FastCGI responder behind nginx.",
               "blobvalet");
  app.set_version_flag("--version", std::string("blobvalet ") + blobvalet::kVersion);
  app.footer(
      "Without a command, serves if fd 0 is a listening socket.\n"
      "Exit codes: 0 success, 1 failure, 2 wrong usage, 3 refused, 4 faulty configuration.");
  app.require_subcommand(0, 1);
  Arguments arguments;
  add_config_option(app, arguments);
  CLI::App* serve =
      app.add_subcommand("serve", "Serve FastCGI on fd 0 until SIGTERM; SIGHUP re-reads the configuration");
  add_config_option(*serve, arguments);
  serve->add_flag("--signatures-only", arguments.signatures_only,
                  "Refuse what might wait for Azure or the application; needs no network");
  blobvalet::fcgi::add_check(app, arguments);
  blobvalet::fcgi::add_explain(app, arguments);
  blobvalet::fcgi::add_replay(app, arguments);
  blobvalet::fcgi::add_sign(app, arguments);
  blobvalet::fcgi::add_cors(app, arguments);
  blobvalet::fcgi::add_bench(app, arguments);
  blobvalet::fcgi::add_doctor(app, arguments);
  blobvalet::fcgi::add_trace(app, arguments);
  CLI::App* events = app.add_subcommand("events", "Events that wait for the site's application");
  const EventCommands event_commands = add_event_commands(*events, arguments);
  CLI::App* keys = app.add_subcommand("keys", "The keys that sign");
  const KeyCommands key_commands = add_key_commands(*keys, arguments);
  try {
    app.parse(argc, argv);
    if (*event_commands.retry && !arguments.all_dead && arguments.event_id.empty())
      throw CLI::RequiredError("id or --all-dead");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::success : ExitCode::usage;
  }
  if (arguments.outcome) return *arguments.outcome;
  if (*events) return run_events(event_commands, arguments);
  if (*keys) return run_keys(key_commands, arguments, guard_faults);
  if (*serve || blobvalet::fcgi::stdin_is_listening()) return run_serve(arguments, guard_faults);
  std::cerr << app.help();
  return ExitCode::usage;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return static_cast<int>(run(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "blobvalet: " << error.what() << "\n";
    return static_cast<int>(ExitCode::failure);
  }
}
