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

BOOST_AUTO_TEST_SUITE_END()
