#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "fcgi/commands.hpp"
#include "fcgi/process_guard.hpp"

namespace {

using blobvalet::fcgi::ExitCode;

/// `serve --signatures-only` with at most `--config` beside it, written as the units write it. All else,
/// wrong arguments included, is for the other program.
class SigningWorker {
 public:
  static std::optional<SigningWorker> parse(std::span<char* const> arguments) {
    SigningWorker worker;
    bool signatures_only = false;
    if (arguments.empty() || arguments[0] != std::string_view("serve")) return std::nullopt;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      const std::string_view argument = arguments[i];
      if (argument == "--signatures-only" && !signatures_only) {
        signatures_only = true;
      } else if (argument == "--config" && worker.config_file_.empty() && i + 1 < arguments.size()) {
        worker.config_file_ = arguments[++i];
      } else {
        return std::nullopt;
      }
    }
    if (!signatures_only) return std::nullopt;
    if (worker.config_file_.empty()) worker.config_file_ = blobvalet::fcgi::kUsualConfigFile;
    return worker;
  }

  [[nodiscard]] ExitCode run() const {
    blobvalet::fcgi::log_guard_faults(blobvalet::fcgi::guard_process());
    return blobvalet::fcgi::serve(config_file_, {});
  }

 private:
  std::string config_file_;
};

/// Becomes the program that can do all the rest: where it is built, or where it is installed. Returns if it
/// cannot.
void become_commands(char** argv) {
  const auto here = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  ::execv((here / "blobvalet_commands").c_str(), argv);
  const auto installed = (here / BLOBVALET_COMMANDS).lexically_normal();
  ::execv(installed.c_str(), argv);
  std::cerr << "blobvalet: " << installed.string() << ": " << std::strerror(errno)
            << "; all but signing is done by that program: install blobvalet as a whole\n";
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto worker = SigningWorker::parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(1));
    if (worker) return static_cast<int>(worker->run());
    become_commands(argv);
  } catch (const std::exception& error) {
    std::cerr << "blobvalet: " << error.what() << "\n";
  }
  return static_cast<int>(ExitCode::failure);
}
