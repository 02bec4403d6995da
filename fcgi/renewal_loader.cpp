#include "fcgi/renewal_loader.hpp"

#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {

RenewalLoader::RenewalLoader(std::filesystem::path config_file)
    : config_file_(std::move(config_file)), keys_(config_file_.parent_path()) {}

tl::expected<RenewalSetup, ConfigFaults> RenewalLoader::load() {
  return load_and_see(config_file_, keys_, seen_,
                      [this] { return make_setup(read_config_file(config_file_)); });
}

tl::expected<RenewalSetup, ConfigFaults> RenewalLoader::load_last_sound() {
  auto text = read_text_file(KeyDirectory(KeyOptions().directory).configuration_file());
  return make_setup(parse_config_file(text.value_or(""), config_file_));
}

tl::expected<RenewalSetup, ConfigFaults> RenewalLoader::make_setup(
    tl::expected<ConfigFile, ConfigFaults> file) {
  if (!file) return tl::unexpected(std::move(file.error()));
  RenewalSetup setup{std::move(file->text), std::move(file->config), {}};
  ConfigFaults faults;
  setup.client_secrets = keys_.load_client_secrets(setup.config.accounts, faults);
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return setup;
}

}  // namespace blobvalet::fcgi
