#pragma once
#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "core/config_fault.hpp"
#include "fcgi/commands.hpp"

namespace blobvalet::fcgi {

/// What commands share while the command line is parsed.
struct CommandLine {
  std::string config_file = kUsualConfigFile;  ///< `--config`, before or behind the command
  std::optional<ExitCode> outcome;             ///< how the command went, if it was one of those below
};

// What an operator types. Each function adds a command to `app`, which runs while `app` parses and leaves its
// outcome in `line`; wrong arguments it refuses by an exception of CLI11's. `line` outlives the parsing.
void add_bench(CLI::App& app, CommandLine& line);
void add_check(CLI::App& app, CommandLine& line);
void add_cors(CLI::App& app, CommandLine& line);
void add_doctor(CLI::App& app, CommandLine& line);
void add_explain(CLI::App& app, CommandLine& line);
void add_replay(CLI::App& app, CommandLine& line);
void add_sign(CLI::App& app, CommandLine& line);
void add_trace(CLI::App& app, CommandLine& line);

void add_config_option(CLI::App& command, CommandLine& line);

/// Each fault as a line on standard error.
void print_faults(const ConfigFaults& faults);

}  // namespace blobvalet::fcgi
