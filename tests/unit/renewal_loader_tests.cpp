#include "fcgi/config_file.hpp"
#include "fcgi/renewal_loader.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

/// Three accounts: keys, a machine's identity, an application with `secret`.
std::string config_with(std::string_view secret_member) {
  return R"({"accounts":[
    {"name":"first","endpoint":"https://first","credential":{"type":"shared_key","key_file":"first.key"}},
    {"name":"second","endpoint":"https://second","credential":{"type":"managed_identity"}},
    {"name":"third","endpoint":"https://third","credential":{"type":"client_secret","tenant_id":"t",
      "client_id":"01234567-89ab-cdef-0123-456789abcdef",)" +
         std::string(secret_member) + R"(}}],
    "rules":[{"name":"r","account":"first","container":"uploads","blobs":["**"],"methods":["PUT"]}]})";
}

struct Bench {
  Bench() {
    dir.write("blobvalet.json", config_with(R"("secret_file":"app.secret")"));
    dir.write("app.secret", " hush\n");
  }
  /// The secrets of the accounts, or the faults.
  std::string load() {
    const auto setup = loader.load();
    std::string text;
    if (!setup) {
      for (const ConfigFault& fault : setup.error())
        text.append(fault.text()).append("\n");
      return text;
    }
    for (const auto& secret : setup->client_secrets)
      text.append(secret ? reveal_text(*secret) : "-").append(" ");
    return text;
  }
  [[nodiscard]] std::string seen() const {
    std::string names;
    for (const auto& entry : loader.seen())
      names.append(entry.first.filename().string()).append(" ");
    return names;
  }

  TempDir dir;
  RenewalLoader loader{dir.path() / "blobvalet.json"};
};

constexpr const char* kSecretFile = "accounts[2].credential.secret_file: ";

}  // namespace

BOOST_AUTO_TEST_SUITE(renewal_loader_tests)

// Account keys are not its business: there is no first.key.
BOOST_AUTO_TEST_CASE(only_the_secrets_of_applications_are_read) {
  Bench bench;
  BOOST_TEST(bench.load() == "- - hush ");
  BOOST_TEST(bench.seen() == "app.secret blobvalet.json ");
}

BOOST_AUTO_TEST_CASE(faults_are_named) {
  struct Row {
    const char* name;
    void (*spoil)(const TempDir& dir);
    std::string faults;
  };
  const Row rows[] = {
      {"no secret", [](const TempDir& dir) { std::filesystem::remove(dir.path() / "app.secret"); },
       std::string(kSecretFile) + "cannot be opened: No such file or directory\n"},
      {"an empty secret", [](const TempDir& dir) { dir.write("app.secret", ""); },
       std::string(kSecretFile) + "is empty\n"},
      {"blanks only", [](const TempDir& dir) { dir.write("app.secret", " \n"); },
       std::string(kSecretFile) + "is empty\n"},
      {"others can read it", [](const TempDir& dir) { dir.write("app.secret", "hush", 0644); },
       std::string(kSecretFile) + "has mode 0644, so others than its owner can use it; chmod it to 0600\n"},
      {"too long", [](const TempDir& dir) { dir.write("app.secret", std::string(4096, 'x')); },
       std::string(kSecretFile) + "cannot be read, or is too long for a key\n"},
      {"a variable that is not set",
       [](const TempDir& dir) {
         dir.write("blobvalet.json", config_with(R"("secret_env":"BLOBVALET_UNIT_TEST_NONE")"));
       },
       "accounts[2].credential.secret_env: the environment has no variable of this name\n"},
      {"a credential without systemd",
       [](const TempDir& dir) { dir.write("blobvalet.json", config_with(R"("secret_credential":"app")")); },
       "accounts[2].credential.secret_credential: needs a systemd unit with LoadCredential=app:<file>\n"},
      {"a faulty configuration",
       [](const TempDir& dir) { dir.write("blobvalet.json", config_with("\"x\":1")); },
       "accounts[2].credential: must have exactly one of secret_file, secret_env and secret_credential\n"
       "accounts[2].credential.x: is not a known key\n"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Bench bench;
      row.spoil(bench.dir);
      std::string faults = bench.load();
      if (row.faults.find(".x:") != std::string::npos) {  // in no order
        BOOST_TEST(faults.size() == row.faults.size());
      } else {
        BOOST_TEST(faults == row.faults);
      }
      BOOST_TEST(faults.find("hush") == std::string::npos);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_variable_is_read_once_and_remembered) {
  Bench bench;
  ::setenv("BLOBVALET_UNIT_TEST_SECRET", "from the environment", 1);
  bench.dir.write("blobvalet.json", config_with(R"("secret_env":"BLOBVALET_UNIT_TEST_SECRET")"));
  BOOST_TEST(bench.load() == "- - from the environment ");
  BOOST_TEST(std::string(::getenv("BLOBVALET_UNIT_TEST_SECRET")) == "");
  BOOST_TEST(bench.load() == "- - from the environment ");
  ::unsetenv("BLOBVALET_UNIT_TEST_SECRET");
}

BOOST_AUTO_TEST_CASE(after_a_failure_the_files_of_before_count_too) {
  Bench bench;
  BOOST_TEST(bench.load() == "- - hush ");
  bench.dir.write("blobvalet.json", "{");
  bench.dir.write("app.secret", "changed");
  for (int round = 0; round < 3; ++round) {
    (void)bench.load();
    BOOST_TEST(bench.seen() == "app.secret blobvalet.json ");
    BOOST_TEST((look_again(bench.loader.seen()) == bench.loader.seen()));
  }
  bench.dir.write("app.secret", "changed again");
  BOOST_TEST((look_again(bench.loader.seen()) != bench.loader.seen()));
  bench.dir.write("blobvalet.json", config_with(R"("secret_file":"app.secret")"));
  BOOST_TEST(bench.load() == "- - changed again ");
}

BOOST_AUTO_TEST_CASE(file_names_are_relative_to_the_configuration) {
  const std::string json = R"({"accounts":[{"name":"acme","endpoint":"https://acme","ca_file":"azure.pem",
    "credential":{"type":"workload_identity","token_file":"token","ca_file":"/etc/entra.pem"}}],
    "rules":[{"name":"r","account":"acme","container":"uploads","blobs":["**"],"methods":["PUT"]}],
    "keys":{"directory":"../keys"}})";
  const auto file = parse_config_file(json, "/srv/conf/blobvalet.json");
  BOOST_REQUIRE(file.has_value());
  BOOST_TEST(file->text == json);
  const Account& account = file->config.accounts.at(0);
  BOOST_TEST(account.requests.ca_file == "/srv/conf/azure.pem");
  BOOST_TEST(account.requests.token_file == "");
  BOOST_TEST(account.identity->token_file == "/srv/conf/token");
  BOOST_TEST(account.identity->ca_file == "/etc/entra.pem");
  BOOST_TEST(file->config.keys.directory == "/srv/conf/../keys");
}

BOOST_AUTO_TEST_SUITE_END()
