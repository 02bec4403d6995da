#include "fcgi/reloader.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kConfig = R"({
  "accounts": [{"name": "acme", "endpoint": "https://acme", "credential": {"type": "default"}}],
  "rules": [{"name": "r", "account": "acme", "container": "uploads", "blobs": ["**"], "methods": ["PUT"]}],
  "keys": {"directory": "keys"}
})";

struct Bench {
  Bench() {
    dir.write("blobvalet.json", kConfig);
    std::filesystem::create_directory(dir.path() / "keys");
    site = loader.load().value();
    reload.emplace(loader, site, files, state);
  }
  /// Puts a key there, and returns its fingerprint.
  std::string put_key(char fill) const {
    UserDelegationKey key{"oid",        "tid", "2026-03-01T11:45:00Z",       "2026-03-04T12:00:00Z", "b",
                          "2023-11-03", "",    secret(std::string(32, fill))};
    KeyDirectory(dir.path() / "keys").write_key("acme", delegation_key_text(key, "origin"));
    return KeyFingerprint(SigningKey(std::move(key))).text();
  }

  static std::string key_in(const Site& site) {
    const auto& key = site.signing_keys().at(0);
    return key == nullptr ? "none" : KeyFingerprint(*key).text();
  }

  TempDir dir;
  SiteLoader loader{dir.path() / "blobvalet.json"};
  FileWatch files;
  ProcessState state{dir.path() / "keys", nullptr};
  std::shared_ptr<const Site> site;
  std::optional<Reloader> reload;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(reloader_tests)

BOOST_AUTO_TEST_CASE(a_new_site_has_the_new_keys) {
  Bench bench;
  BOOST_TEST(!bench.files.has_changed());
  BOOST_TEST(Bench::key_in(*bench.site) == "none");
  for (const char fill : {'a', 'b'}) {
    const std::string key = bench.put_key(fill);
    BOOST_TEST(bench.files.has_changed());
    const auto site = (*bench.reload)(ReloadCause::news);
    BOOST_REQUIRE(site != nullptr);
    BOOST_TEST(Bench::key_in(*site) == key);
    BOOST_TEST(site->revision() == bench.site->revision());
    BOOST_TEST(!bench.files.has_changed(), "it is seen");
  }
  const auto again = (*bench.reload)(ReloadCause::news);
  BOOST_TEST(again != nullptr);
}

BOOST_AUTO_TEST_CASE(a_faulty_configuration_is_told_and_the_old_one_stays) {
  Bench bench;
  BOOST_TEST(bench.state.reload_fault() == "");
  bench.dir.write("blobvalet.json", "{}");
  BOOST_TEST(bench.files.has_changed());
  BOOST_TEST((*bench.reload)(ReloadCause::news) == nullptr);
  BOOST_TEST(bench.state.reload_fault() ==
             "accounts: is missing; it must be a list of at least one storage account; rules: is missing; it "
             "must be a "
             "list of at least one rule");
  BOOST_TEST(!bench.files.has_changed());
  // A key comes in spite of it, and the next one, too.
  for (const char fill : {'a', 'b'}) {
    const std::string key = bench.put_key(fill);
    BOOST_TEST(bench.files.has_changed());
    const auto site = (*bench.reload)(ReloadCause::news);
    BOOST_REQUIRE(site != nullptr);
    BOOST_TEST(Bench::key_in(*site) == key);
    BOOST_TEST(site->revision() == bench.site->revision());
    BOOST_TEST(bench.state.reload_fault() != "");
    BOOST_TEST(!bench.files.has_changed());
    BOOST_TEST((*bench.reload)(ReloadCause::news) == nullptr, "nothing new");
  }
  // When it is mended, all is well.
  bench.dir.write("blobvalet.json", kConfig);
  BOOST_TEST(bench.files.has_changed());
  const auto site = (*bench.reload)(ReloadCause::news);
  BOOST_REQUIRE(site != nullptr);
  BOOST_TEST(site->revision() == bench.site->revision());
  BOOST_TEST(bench.state.reload_fault() == "");
}

BOOST_AUTO_TEST_CASE(what_failed_is_tried_again) {
  Bench bench;
  bench.dir.write("blobvalet.json", "{");
  BOOST_TEST((*bench.reload)(ReloadCause::news) == nullptr);
  const std::string fault = bench.state.reload_fault();
  BOOST_TEST((*bench.reload)(ReloadCause::retry) == nullptr);
  BOOST_TEST(bench.state.reload_fault() == fault);
  bench.dir.write("blobvalet.json", "{}");
  BOOST_TEST((*bench.reload)(ReloadCause::retry) == nullptr);
  BOOST_TEST(bench.state.reload_fault() != fault, "another one");
  bench.dir.write("blobvalet.json", kConfig);
  BOOST_TEST((*bench.reload)(ReloadCause::retry) != nullptr);
  BOOST_TEST(bench.state.reload_fault() == "");
}

BOOST_AUTO_TEST_CASE(the_status_is_read_where_the_configuration_says) {
  Bench bench;
  std::filesystem::create_directory(bench.dir.path() / "others");
  KeyDirectory(bench.dir.path() / "others").write_status({at("2026-03-01T12:00:00Z"), {}, {}});
  BOOST_TEST(!bench.state.key_status().has_value());
  std::string changed(kConfig);
  changed.replace(changed.find("\"keys\"}"), 7, "\"others\"}");
  bench.dir.write("blobvalet.json", changed);
  BOOST_TEST((*bench.reload)(ReloadCause::news) != nullptr);
  BOOST_TEST(bench.state.key_status().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
