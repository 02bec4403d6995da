#include "fcgi/tools/tools.hpp"

#include <iostream>

namespace blobvalet::fcgi {

void add_config_option(CLI::App& command, CommandLine& line) {
  command.add_option("--config", line.config_file, "Configuration file")->capture_default_str();
}

void print_faults(const ConfigFaults& faults) {
  for (const ConfigFault& fault : faults)
    std::cerr << fault.text() << "\n";
}

}  // namespace blobvalet::fcgi
