#include <fcntl.h>
#include <sys/file.h>

#include <set>

#include "fcgi/file_descriptor.hpp"
#include "fcgi/file_watch.hpp"
#include "fcgi/site_loader.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kConfig = R"({
  "accounts": [{ "name": "acme", "endpoint": "https://acme.blob.core.windows.net",
                 "credential": { "type": "shared_key", "key_file": "acme.key" } }],
  "rules": [{ "name": "own", "account": "acme", "container": "uploads", "blobs": ["{user}/**"], "methods": ["PUT"] }],
  "server": { "threads": 3 }
})";

/// A directory with a good configuration and its key.
struct SiteDir {
  SiteDir() {
    dir.write("acme.key", kDevelopmentKey);
    dir.write("blobvalet.json", kConfig, 0644);
  }
  TempDir dir;
  std::filesystem::path file = dir.path() / "blobvalet.json";
};

std::string show(const tl::expected<std::shared_ptr<const Site>, ConfigFaults>& loaded) {
  if (loaded) return "loaded\n";
  std::string text;
  for (const ConfigFault& fault : loaded.error())
    text += fault.text() + "\n";
  return text;
}

constexpr std::string_view kOtherKey = "MDEyMzQ1Njc4OWFiY2RlZg==";

/// A directory with a configuration whose account has an identity.
struct IdentityDir : SiteDir {
  IdentityDir() {
    const std::string credential = R"("type": "shared_key", "key_file": "acme.key")";
    config.replace(config.find(credential), credential.size(), R"("type": "default")");
    config.replace(config.find("\"server\""), 8, R"("keys": {"directory": "keys"}, "server")");
    dir.write("blobvalet.json", config);
    std::filesystem::create_directory(dir.path() / "keys");
  }
  /// As `blobvalet keys renew` does.
  void put_key(std::string_view expiry, char fill) const {
    KeyDirectory(dir.path() / "keys")
        .write_key("acme", delegation_key_text({"oid", "tid", "2026-03-01T11:45:00Z", std::string(expiry),
                                                "b", "2023-11-03", "", secret(std::string(32, fill))},
                                               "origin"));
  }
  std::string config{kConfig};
};

/// Until when the key is valid.
std::string key_in(const Site& site) {
  const auto& key = site.signing_keys().at(0);
  return key == nullptr ? "none" : std::get<UserDelegationKey>(*key).expiry;
}

std::string names_in(const SeenFiles& seen) {
  std::string names;
  for (const auto& entry : seen)
    names.append(entry.first.filename().string()).append(" ");
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(site_loader_tests)

BOOST_AUTO_TEST_CASE(a_site_has_its_options_and_keys) {
  const SiteDir site;
  const auto loaded = SiteLoader(site.file).load();
  BOOST_REQUIRE_EQUAL(show(loaded), "loaded\n");
  BOOST_TEST((*loaded)->server().threads == 3U);
  BOOST_REQUIRE_EQUAL((*loaded)->signing_keys().size(), 1U);
  BOOST_TEST((*loaded)->signing_keys().front() != nullptr);
}

BOOST_AUTO_TEST_CASE(loading_again_sees_what_has_changed) {
  const SiteDir site;
  SiteLoader loader(site.file);
  const auto first = loader.load();
  std::string changed(kConfig);
  changed.replace(changed.find("\"threads\": 3"), 12, "\"threads\": 4");
  site.dir.write("blobvalet.json", changed);
  const auto second = loader.load();
  BOOST_REQUIRE(first.has_value() && second.has_value());
  BOOST_TEST((*first)->server().threads == 3U, "a site never changes");
  BOOST_TEST((*second)->server().threads == 4U);
  BOOST_TEST((*first)->signing_keys().front() != (*second)->signing_keys().front());
}

// A relative key file is relative to the configuration file, not to where the program was started.
BOOST_AUTO_TEST_CASE(a_configuration_named_relatively_finds_its_key) {
  const SiteDir site;
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(site.dir.path());
  const std::string same_directory = show(SiteLoader("blobvalet.json").load());
  std::filesystem::current_path(site.dir.path().parent_path());
  const std::string from_above = show(SiteLoader(site.dir.path().filename() / "blobvalet.json").load());
  std::filesystem::current_path(here);
  BOOST_TEST(same_directory == "loaded\n");
  BOOST_TEST(from_above == "loaded\n");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_a_fault) {
  const SiteDir site;
  const auto missing = site.dir.path() / "missing.json";
  BOOST_TEST(show(SiteLoader(missing).load()) ==
             missing.string() + ": cannot be read: No such file or directory\n");
  const std::string directory = site.dir.path().string();
  BOOST_TEST(show(SiteLoader(directory).load()) == directory + ": cannot be read: Is a directory\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_configuration_is_a_fault) {
  const SiteDir site;
  for (const std::string_view text : {"", "{", "null", "[]", "{}", "\xff\xfe", "{\"accounts\": []}"}) {
    site.dir.write("blobvalet.json", text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(!SiteLoader(site.file).load().has_value());
    }
  }
}

// All file names of the configuration are relative to its own directory; absolute ones stay what they are.
BOOST_AUTO_TEST_CASE(file_names_are_relative_to_the_configuration) {
  struct Row {
    const char* name;
    const char* prefix;  ///< of each file name
    bool relative;
  };
  const Row rows[] = {{"relative", "", true}, {"below", "sub/", true}, {"absolute", "/srv/", false}};
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const SiteDir site;
      const auto quoted = [&](const char* file) { return "\"" + std::string(row.prefix) + file + "\""; };
      site.dir.write("hook.secret", "a secret of some bytes");
      std::string changed(kConfig);
      const std::string key = R"("key_file": "acme.key" })";
      changed.replace(
          changed.find(key), key.size(),
          key + R"(, "requests": {"authorization": "bearer", "token_file": )" + quoted("token") + "}");
      const std::string server = "\"server\"";
      changed.replace(
          changed.find(server), server.size(),
          R"("success": {"hook": {"url": "https://app", "secret_file": "hook.secret", "mode": "async",)"
          R"( "ca_file": )" +
              quoted("ca.pem") + R"(, "store": {"type": "redis", "password_file": )" + quoted("password") +
              "}}}, " + server);
      site.dir.write("blobvalet.json", changed);
      const auto loaded = SiteLoader(site.file).load();
      BOOST_REQUIRE_EQUAL(show(loaded), "loaded\n");
      const std::string base = (row.relative ? site.dir.path().string() + "/" : "") + row.prefix;
      const HookOptions& hook = (*loaded)->success().hook.value();
      BOOST_TEST((*loaded)->requests().at(0).token_file == base + "token");
      BOOST_TEST(hook.ca_file == base + "ca.pem");
      BOOST_TEST(hook.store.password_file == base + "password");
      BOOST_TEST(hook.store.host == "127.0.0.1", "an address is no file");
      BOOST_TEST((*loaded)->hook_secret().size() == 22U);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_not_configured_is_no_file) {
  const SiteDir site;
  site.dir.write("hook.secret", "a secret of some bytes");
  std::string changed(kConfig);
  const std::string server = "\"server\"";
  changed.replace(
      changed.find(server), server.size(),
      R"("success": {"hook": {"url": "https://app", "secret_file": "hook.secret", "mode": "async",)"
      R"( "store": {"type": "sqlite", "file": "events.db"}}}, )" +
          server);
  site.dir.write("blobvalet.json", changed);
  const auto loaded = SiteLoader(site.file).load();
  BOOST_REQUIRE_EQUAL(show(loaded), "loaded\n");
  const HookOptions& hook = (*loaded)->success().hook.value();
  BOOST_TEST(hook.store.file == (site.dir.path() / "events.db").string());
  BOOST_TEST(hook.ca_file == "");
  BOOST_TEST(hook.store.password_file == "");
  BOOST_TEST((*loaded)->requests().at(0).token_file == "");
}

BOOST_AUTO_TEST_CASE(a_hook_without_its_secret_is_a_fault) {
  const SiteDir site;
  std::string changed(kConfig);
  const std::string server = "\"server\"";
  changed.replace(changed.find(server), server.size(),
                  R"("success": {"hook": {"url": "https://app", "secret_file": "hook.secret"}}, )" + server);
  site.dir.write("blobvalet.json", changed);
  BOOST_TEST(show(SiteLoader(site.file).load()) ==
             "success.hook.secret_file: cannot be opened: No such file or directory\n");
  std::filesystem::remove(site.dir.path() / "acme.key");
  BOOST_TEST(show(SiteLoader(site.file).load()) ==
             "accounts[0].credential: key_file: cannot be opened: No such file or directory\n"
             "success.hook.secret_file: cannot be opened: No such file or directory\n");
}

// Keys of a faulty configuration are not even looked for.
BOOST_AUTO_TEST_CASE(faults_of_the_configuration_come_before_those_of_keys) {
  const SiteDir site;
  std::filesystem::remove(site.dir.path() / "acme.key");
  BOOST_TEST(show(SiteLoader(site.file).load()) ==
             "accounts[0].credential: key_file: cannot be opened: No such file or directory\n");
  std::string changed(kConfig);
  changed.replace(changed.find("\"threads\": 3"), 12, "\"threads\": 0");
  site.dir.write("blobvalet.json", changed);
  BOOST_TEST(show(SiteLoader(site.file).load()).starts_with("server.threads: "));
}

// The revision tells configurations and keys apart, and is the same on all machines that have the same.
BOOST_AUTO_TEST_CASE(the_revision_is_that_of_configuration_and_keys) {
  const SiteDir site;
  const auto revision = [](const std::filesystem::path& file) {
    const auto loaded = SiteLoader(file).load();
    BOOST_REQUIRE_EQUAL(show(loaded), "loaded\n");
    return (*loaded)->revision();
  };
  const std::string first = revision(site.file);
  BOOST_TEST(first.size() == 16U);
  BOOST_TEST(first.find_first_not_of("0123456789abcdef") == std::string::npos);
  BOOST_TEST(revision(site.file) == first);
  BOOST_TEST(revision(SiteDir().file) == first, "another machine");
  site.dir.write("blobvalet.json", kConfig, 0600);
  BOOST_TEST(revision(site.file) == first, "the same, written again");
  site.dir.write("acme.key", std::string(kDevelopmentKey) + "\n");
  BOOST_TEST(revision(site.file) == first, "the same key with a line feed");
  site.dir.write("acme.key", kOtherKey);
  const std::string other_key = revision(site.file);
  BOOST_TEST(other_key != first);
  site.dir.write("blobvalet.json", std::string(kConfig) + " ");
  const std::string other_text = revision(site.file);
  BOOST_TEST(other_text != other_key);
  site.dir.write("acme.key", kDevelopmentKey);
  BOOST_TEST(revision(site.file) != first);
  BOOST_TEST(revision(site.file) != other_text);
}

BOOST_AUTO_TEST_CASE(the_hooks_secret_and_the_next_key_belong_to_the_revision) {
  const SiteDir site;
  std::string changed(kConfig);
  changed.replace(changed.find(R"("key_file": "acme.key")"), 22,
                  R"("current": {"key_file": "acme.key"}, "next": {"key_file": "next.key"})");
  const std::string server = "\"server\"";
  changed.replace(changed.find(server), server.size(),
                  R"("success": {"hook": {"url": "https://app", "secret_file": "hook.secret"}}, )" + server);
  site.dir.write("blobvalet.json", changed);
  site.dir.write("next.key", kDevelopmentKey);
  site.dir.write("hook.secret", "a secret of some bytes");
  const auto revision = [&] {
    const auto loaded = SiteLoader(site.file).load();
    BOOST_REQUIRE_EQUAL(show(loaded), "loaded\n");
    return (*loaded)->revision();
  };
  std::set<std::string> revisions{revision()};
  site.dir.write("next.key", kOtherKey);
  BOOST_TEST(revisions.insert(revision()).second);
  site.dir.write("hook.secret", "another secret of some bytes");
  BOOST_TEST(revisions.insert(revision()).second);
  // Exchanged keys are other keys.
  site.dir.write("acme.key", kOtherKey);
  site.dir.write("next.key", kDevelopmentKey);
  BOOST_TEST(revisions.insert(revision()).second);
}

BOOST_AUTO_TEST_CASE(user_delegation_keys_do_not_belong_to_the_revision) {
  const IdentityDir site;
  SiteLoader loader(site.file);
  const auto without = loader.load();
  BOOST_REQUIRE_EQUAL(show(without), "loaded\n");
  BOOST_TEST(key_in(**without) == "none");
  site.put_key("2026-03-04T12:00:00Z", 'a');
  const auto with = loader.load();
  BOOST_REQUIRE_EQUAL(show(with), "loaded\n");
  BOOST_TEST(key_in(**with) == "2026-03-04T12:00:00Z");
  BOOST_TEST((*with)->revision() == (*without)->revision());
}

BOOST_AUTO_TEST_CASE(a_user_delegation_key_that_cannot_be_used_is_none) {
  const IdentityDir site;
  SiteLoader loader(site.file);
  for (const auto& [text, mode] : std::initializer_list<std::pair<const char*, mode_t>>{
           {"no key", 0400U}, {"", 0400U}, {"no key", 0644U}}) {
    site.dir.write("keys/acme.delegation-key", text, mode);
    const auto loaded = loader.load();
    BOOST_REQUIRE_EQUAL(show(loaded), "loaded\n");
    BOOST_TEST(key_in(**loaded) == "none");
  }
}

BOOST_AUTO_TEST_CASE(the_files_that_count_are_known) {
  const SiteDir site;
  SiteLoader loader(site.file);
  BOOST_TEST(loader.seen().empty());
  (void)loader.load();
  BOOST_TEST(names_in(loader.seen()) == "acme.key blobvalet.json ");
  BOOST_TEST((look_again(loader.seen()) == loader.seen()));

  const IdentityDir identity;
  SiteLoader other(identity.file);
  (void)other.load();
  BOOST_TEST(names_in(other.seen()) == "blobvalet.json acme.delegation-key ",
             "also the key that is not there yet");
  BOOST_TEST((look_again(other.seen()) == other.seen()));
  identity.put_key("2026-03-04T12:00:00Z", 'a');
  BOOST_TEST((look_again(other.seen()) != other.seen()));
}

// A faulty configuration names no files, but those of the last may be what is faulty, and may be mended.
BOOST_AUTO_TEST_CASE(after_a_failure_the_files_of_before_count_too) {
  const SiteDir site;
  SiteLoader loader(site.file);
  BOOST_REQUIRE(loader.load().has_value());
  site.dir.write("blobvalet.json", "{");
  site.dir.write("acme.key", kOtherKey);
  for (int round = 0; round < 3; ++round) {
    BOOST_TEST_CONTEXT("round " << round) {
      BOOST_TEST(!loader.load().has_value());
      BOOST_TEST(names_in(loader.seen()) == "acme.key blobvalet.json ");
      // Or each event would read all of it again, in vain.
      BOOST_TEST((look_again(loader.seen()) == loader.seen()), "as they were when it failed");
      site.dir.write("acme.key", kOtherKey);
      BOOST_TEST((look_again(loader.seen()) != loader.seen()));
    }
  }
  // Those of a sound configuration replace them.
  std::string changed(kConfig);
  changed.replace(changed.find("acme.key"), 8, "moved.key");
  site.dir.write("moved.key", kDevelopmentKey);
  site.dir.write("blobvalet.json", changed);
  BOOST_REQUIRE(loader.load().has_value());
  BOOST_TEST(names_in(loader.seen()) == "blobvalet.json moved.key ");
}

BOOST_AUTO_TEST_CASE(a_missing_key_counts_before_it_comes) {
  const SiteDir site;
  std::filesystem::remove(site.dir.path() / "acme.key");
  SiteLoader loader(site.file);
  BOOST_TEST(!loader.load().has_value());
  BOOST_TEST(names_in(loader.seen()) == "acme.key blobvalet.json ");
  site.dir.write("acme.key", kDevelopmentKey);
  BOOST_TEST((look_again(loader.seen()) != loader.seen()));
  BOOST_TEST(loader.load().has_value());
}

// A faulty file must not keep a renewed key away, or uploads end when the old one expires.
BOOST_AUTO_TEST_CASE(new_delegation_keys_come_in_spite_of_a_faulty_configuration) {
  const IdentityDir site;
  SiteLoader loader(site.file);
  const auto first = loader.load();
  BOOST_REQUIRE_EQUAL(show(first), "loaded\n");
  site.dir.write("blobvalet.json", "{");
  BOOST_TEST(!loader.load().has_value());
  BOOST_TEST(loader.instead_of_faulty(**first) == nullptr, "there is none yet");

  site.put_key("2026-03-04T12:00:00Z", 'a');
  BOOST_TEST(!loader.load().has_value());
  const auto second = loader.instead_of_faulty(**first);
  BOOST_REQUIRE(second != nullptr);
  BOOST_TEST(key_in(*second) == "2026-03-04T12:00:00Z");
  BOOST_TEST(second->revision() == (*first)->revision());
  BOOST_TEST(second->server().threads == 3U);
  BOOST_TEST(second->key_options().directory == (*first)->key_options().directory);
  BOOST_TEST(loader.instead_of_faulty(*second) == nullptr, "it is the same");
  BOOST_TEST(names_in(loader.seen()) == "blobvalet.json acme.delegation-key configuration.json ");
  BOOST_TEST((look_again(loader.seen()) == loader.seen()));

  site.put_key("2026-03-06T12:00:00Z", 'b');
  const auto third = loader.instead_of_faulty(*second);
  BOOST_REQUIRE(third != nullptr);
  BOOST_TEST(key_in(*third) == "2026-03-06T12:00:00Z");
  BOOST_TEST((look_again(loader.seen()) == loader.seen()));

  // One that is gone or faulty takes nothing away.
  site.dir.write("keys/acme.delegation-key", "no key", 0400);
  BOOST_TEST(loader.instead_of_faulty(*third) == nullptr);
  std::filesystem::remove(site.dir.path() / "keys/acme.delegation-key");
  BOOST_TEST(loader.instead_of_faulty(*third) == nullptr);
}

// Some workers may have seen a sound file that was there for a moment, and others not.
BOOST_AUTO_TEST_CASE(a_faulty_file_gives_way_to_the_last_sound_one) {
  const IdentityDir site;
  SiteLoader loader(site.file);
  const auto first = loader.load();
  BOOST_REQUIRE_EQUAL(show(first), "loaded\n");
  site.dir.write("blobvalet.json", "{");
  BOOST_TEST(!loader.load().has_value());
  const KeyDirectory shared(site.dir.path() / "keys");
  std::string other = site.config;
  other.replace(other.find("\"threads\": 3"), 12, "\"threads\": 4");
  shared.write_configuration(other);
  BOOST_TEST(loader.instead_of_faulty(**first) == nullptr, "whoever wrote it is gone");

  const FileDescriptor renewer(::open(shared.lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  BOOST_REQUIRE_EQUAL(::flock(renewer.get(), LOCK_EX | LOCK_NB), 0);
  const auto second = loader.instead_of_faulty(**first);
  BOOST_REQUIRE(second != nullptr);
  BOOST_TEST(second->server().threads == 4U);
  BOOST_TEST(second->revision() != (*first)->revision());
  BOOST_TEST(loader.instead_of_faulty(*second) == nullptr, "it is in use");
  BOOST_TEST((look_again(loader.seen()) == loader.seen()));
  shared.write_configuration("{");
  BOOST_TEST(loader.instead_of_faulty(*second) == nullptr, "no better");
  shared.write_configuration(site.config);
  BOOST_TEST((look_again(loader.seen()) != loader.seen()), "it is watched");
  const auto third = loader.instead_of_faulty(*second);
  BOOST_REQUIRE(third != nullptr);
  BOOST_TEST(third->revision() == (*first)->revision());
}

BOOST_AUTO_TEST_CASE(a_directory_of_keys_may_come_later) {
  const IdentityDir site;
  std::filesystem::remove_all(site.dir.path() / "keys");
  SiteLoader loader(site.file);
  const auto loaded = loader.load();
  BOOST_REQUIRE_EQUAL(show(loaded), "loaded\n");
  BOOST_TEST(key_in(**loaded) == "none");
  FileWatch watch;
  watch.watch(loader.seen());
  BOOST_TEST(!watch.has_changed());
  std::filesystem::create_directory(site.dir.path() / "keys");
  BOOST_TEST(!watch.has_changed());
  site.put_key("2026-03-04T12:00:00Z", 'a');
  BOOST_TEST(watch.has_changed());
  BOOST_TEST(key_in(**loader.load()) == "2026-03-04T12:00:00Z");
}

BOOST_AUTO_TEST_SUITE_END()
