#include "fcgi/site_loader.hpp"

#include "core/hexadecimal.hpp"
#include "core/sha256.hpp"

namespace blobvalet::fcgi {
namespace {

/// The same for the same configuration with the same account keys and hook secret, also on another machine.
/// User delegation keys do not count: they come and go without anybody having changed anything.
std::string revision_of(std::string_view config, const std::vector<Account>& accounts,
                        const std::vector<AccountKeys>& keys, const SecretBytes* hook_secret) {
  constexpr std::size_t kDigits = 16;
  std::string all = sha256_hex(config);
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    if (accounts[i].identity) continue;
    for (const auto& key : {keys[i].current, keys[i].next})
      all.append(" ").append(key == nullptr ? "" : KeyFingerprint(*key).text());
  }
  if (hook_secret != nullptr) all.append(" ").append(hexadecimal(sha256(hook_secret->reveal())));
  return sha256_hex(all).substr(0, kDigits);
}

}  // namespace

SiteLoader::SiteLoader(std::filesystem::path config_file, Check check)
    : config_file_(std::move(config_file)), check_(std::move(check)), keys_(config_file_.parent_path()) {}

tl::expected<std::shared_ptr<const Site>, ConfigFaults> SiteLoader::load() {
  return load_and_see(config_file_, keys_, seen_,
                      [this] { return make_site(read_config_file(config_file_)); });
}

SiteLoader::Loaded SiteLoader::make_site(tl::expected<ConfigFile, ConfigFaults> file) {
  if (!file) return tl::unexpected(std::move(file.error()));
  Config& config = file->config;
  ConfigFaults faults = check_ ? check_(config) : ConfigFaults();
  auto keys = keys_.load(config.accounts, KeyDirectory(config.keys.directory), faults);
  std::shared_ptr<const SecretBytes> hook_secret;
  if (const auto& hook = config.success.hook) hook_secret = keys_.load_hook_secret(*hook->secret, faults);
  if (!faults.empty()) return tl::unexpected(std::move(faults));
  good_text_ = file->text;
  good_hook_secret_ = hook_secret;
  std::string revision = revision_of(file->text, config.accounts, keys, hook_secret.get());
  return std::make_shared<const Site>(std::move(config), std::move(keys), std::move(hook_secret),
                                      std::move(revision));
}

std::shared_ptr<const Site> SiteLoader::instead_of_faulty(const Site& site) {
  if (auto sound = last_sound(KeyDirectory(site.key_options().directory))) return sound;
  return with_new_delegation_keys(site);
}

std::shared_ptr<const Site> SiteLoader::instead_of_faulty() {
  return last_sound(KeyDirectory(KeyOptions().directory));
}

/// Null if it is in use already, too.
std::shared_ptr<const Site> SiteLoader::last_sound(const KeyDirectory& shared) {
  // It may be written a moment after we have looked.
  const auto path = shared.configuration_file();
  const FileState state = FileState::of(path);
  auto text = shared.read_configuration();
  auto site = text && *text != good_text_ ? make_site(parse_config_file(std::move(*text), config_file_))
                                          : Loaded(nullptr);
  seen_.insert_or_assign(path, state);
  seen_.merge(keys_.take_seen());
  return site ? *site : nullptr;
}

std::shared_ptr<const Site> SiteLoader::with_new_delegation_keys(const Site& site) {
  auto keys = site.keys();
  bool changed = false;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!site.accounts()[i].identity) continue;
    auto key = keys_.load_delegation_key(site.accounts()[i].name, KeyDirectory(site.key_options().directory));
    if (key == nullptr ||
        (keys[i].current != nullptr && KeyFingerprint(*key) == KeyFingerprint(*keys[i].current)))
      continue;
    keys[i].current = std::move(key);
    changed = true;
  }
  SeenFiles before = std::exchange(seen_, keys_.take_seen());
  seen_.merge(before);
  if (!changed) return nullptr;
  auto file = parse_config_file(good_text_, config_file_);
  if (!file) return nullptr;  // it was sound when it was read
  return std::make_shared<const Site>(std::move(file->config), std::move(keys), good_hook_secret_,
                                      site.revision());
}

}  // namespace blobvalet::fcgi
