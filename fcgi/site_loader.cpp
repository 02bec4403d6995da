#include "fcgi/site_loader.hpp"

#include <cerrno>
#include <cstring>

#include "fcgi/text_file.hpp"

namespace blobvalet::fcgi {
SiteLoader::SiteLoader(std::filesystem::path config_file)
    : config_file_(std::move(config_file)), keys_(config_file_.parent_path()) {}

tl::expected<std::shared_ptr<const Site>, ConfigFaults> SiteLoader::load() {
  const auto text = read_text_file(config_file_);
  if (!text) {
    return tl::unexpected(
        ConfigFaults{{config_file_.string(), std::string("cannot be read: ") + std::strerror(errno)}});
  }
  auto config = Config::parse(*text);
  if (!config) return tl::unexpected(std::move(config.error()));
  ConfigFaults faults;
  auto keys = keys_.load(config->accounts, faults);
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  return std::make_shared<const Site>(std::move(*config), std::move(keys));
}

}  // namespace blobvalet::fcgi
