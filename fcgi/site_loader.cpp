#include "fcgi/site_loader.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace blobvalet::fcgi {
namespace {

std::optional<std::string> read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || file.bad()) return std::nullopt;
  return text;
}

}  // namespace

SiteLoader::SiteLoader(std::filesystem::path config_file)
    : config_file_(std::move(config_file)), keys_(config_file_.parent_path()) {}

tl::expected<std::shared_ptr<const Site>, ConfigFaults> SiteLoader::load() {
  errno = 0;
  const auto text = read_text(config_file_);
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
