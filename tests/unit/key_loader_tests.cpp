#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "fcgi/key_loader.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

const std::string kKey(kDevelopmentKey);
constexpr const char* kVariable = "BLOBVALET_UNIT_TEST_KEY";

Account account_with(KeySource source) {
  Account account;
  account.name = "acme";
  account.current_key = std::move(source);
  return account;
}
Account file_account(std::string name) {
  return account_with({KeySource::Kind::file, std::move(name)});
}
Account environment_account() {
  return account_with({KeySource::Kind::environment, kVariable});
}
Account credential_account(std::string name) {
  return account_with({KeySource::Kind::credential, std::move(name)});
}

/// An account whose key somebody else fetches.
Account identity_account() {
  Account account;
  account.name = "acme";
  account.identity.emplace();
  return account;
}

struct Loaded {
  std::vector<AccountKeys> keys;
  std::string faults;  ///< one a line
};

Loaded load(KeyLoader& loader, const std::vector<Account>& accounts,
            const std::filesystem::path& shared = "/nonexistent") {
  ConfigFaults faults;
  Loaded loaded{loader.load(accounts, KeyDirectory(shared), faults), {}};
  for (const ConfigFault& fault : faults)
    loaded.faults += fault.text() + "\n";
  return loaded;
}
Loaded load(const TempDir& dir, const Account& account) {
  KeyLoader loader(dir.path());
  return load(loader, {account});
}

/// The base64 text of a loaded key is compared by its bytes: keys cannot be printed.
bool holds(const std::shared_ptr<const SigningKey>& key, std::string_view base64) {
  if (key == nullptr) return false;
  const auto expected = AccountKey::parse(base64);
  return expected &&
         std::ranges::equal(std::get<AccountKey>(*key).bytes().reveal(), expected->bytes().reveal());
}

struct SecretLoaded {
  std::string text;  ///< `none` if there is none
  std::string faults;
};

SecretLoaded load_secret(KeyLoader& loader, const KeySource& source) {
  ConfigFaults faults;
  const auto secret = loader.load_hook_secret(source, faults);
  SecretLoaded loaded{"none", {}};
  if (secret) loaded.text.assign(secret->reveal().begin(), secret->reveal().end());
  for (const ConfigFault& fault : faults)
    loaded.faults += fault.text() + "\n";
  return loaded;
}

/// Sets an environment variable for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  Variable(Variable&&) = delete;
  Variable& operator=(Variable&&) = delete;

 private:
  const char* name_;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(key_loader_tests)

BOOST_AUTO_TEST_CASE(it_is_known_when_a_key_file_was_changed) {
  const TempDir dir;
  const auto age = [&](const std::filesystem::path& file, long seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 999'999'999}};
    BOOST_REQUIRE_EQUAL(::utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
  };
  age(dir.write("current.key", kKey), 1'700'000'000);
  age(dir.write("next.key", kKey), 1'600'000'000);
  const Variable credentials("CREDENTIALS_DIRECTORY", dir.path().string());
  const Variable variable(kVariable, kKey);
  const KeySource current{KeySource::Kind::file, "current.key"};
  const KeySource next{KeySource::Kind::file, "next.key"};
  const KeySource environment{KeySource::Kind::environment, kVariable};
  struct Row {
    const char* name;
    KeySource current;
    std::optional<KeySource> next;
    std::optional<long> current_changed;
    std::optional<long> next_changed;
  };
  const Row rows[] = {
      {"a file", current, {}, 1'700'000'000, {}},
      {"two files", current, next, 1'700'000'000, 1'600'000'000},
      {"the environment, and a file", environment, next, {}, 1'600'000'000},
      {"a credential, which is a copy", {KeySource::Kind::credential, "current.key"}, {}, {}, {}},
      {"no file", {KeySource::Kind::file, "none.key"}, {}, {}, {}},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      Account account = account_with(row.current);
      account.next_key = row.next;
      const AccountKeys keys = load(dir, account).keys.at(0);
      const auto shown = [](std::optional<UtcSeconds> time) {
        return time ? std::optional<long>(time->time_since_epoch().count()) : std::nullopt;
      };
      BOOST_TEST((shown(keys.current_changed) == row.current_changed));
      BOOST_TEST((shown(keys.next_changed) == row.next_changed));
    }
  }
  BOOST_TEST(!load(dir, identity_account()).keys.at(0).current_changed.has_value());
}

BOOST_AUTO_TEST_CASE(a_private_file_is_loaded) {
  const TempDir dir;
  for (const mode_t mode : {0600U, 0400U, 0700U}) {
    dir.write("acme.key", kKey, mode);
    const Loaded loaded = load(dir, file_account("acme.key"));
    BOOST_TEST(loaded.faults == "");
    BOOST_TEST(holds(loaded.keys.at(0).current, kKey));
    BOOST_TEST(loaded.keys.at(0).next == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_others_can_use_is_refused) {
  const TempDir dir;
  for (const mode_t mode :
       {0604U, 0660U, 0644U, 0606U, 0620U, 0602U, 0610U, 0601U, 0666U, 0777U, 0444U, 0404U}) {
    dir.write("acme.key", kKey, mode);
    const Loaded loaded = load(dir, file_account("acme.key"));
    char octal[8];
    (void)std::snprintf(octal, sizeof octal, "%04o", static_cast<unsigned>(mode));
    BOOST_TEST(loaded.faults == "accounts[0].credential: key_file: has mode " + std::string(octal) +
                                    ", so others than its owner can use it; chmod it to 0600\n");
    BOOST_TEST(loaded.keys.at(0).current == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(a_file_that_holds_no_key_is_refused) {
  struct Row {
    const char* name;
    std::string content;
    const char* fault;
  };
  const Row rows[] = {
      {"empty", "", "holds no storage account key: 0 characters that are not base64 of a key"},
      {"white space", " \n", "holds no storage account key: 2 characters that are not base64 of a key"},
      {"no base64", "This is no key!!",
       "holds no storage account key: 16 characters that are not base64 of a key"},
      {"cut off", kKey.substr(0, 85),
       "holds no storage account key: 85 characters that are not base64 of a key"},
      {"without its padding", kKey.substr(0, 86),
       "holds no storage account key: 86 characters that are not base64 of a key"},
      {"two keys", kKey + "\n" + kKey,
       "holds no storage account key: 177 characters that are not base64 of a key"},
      {"a connection string", "AccountKey=" + kKey,
       "holds no storage account key: 99 characters that are not base64 of a key"},
      {"too short for a key", "QUJD",
       "holds no storage account key: 4 characters that are not base64 of a key"},
      {"a NUL behind it", kKey + std::string(1, '\0'),
       "holds no storage account key: 89 characters that are not base64 of a key"},
      {"too long", std::string(4096, 'A'), "cannot be read, or is too long for a key"},
      {"far too long", std::string(1U << 20U, 'A'), "cannot be read, or is too long for a key"},
  };
  const TempDir dir;
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      dir.write("acme.key", row.content);
      const Loaded loaded = load(dir, file_account("acme.key"));
      BOOST_TEST(loaded.faults == std::string("accounts[0].credential: key_file: ") + row.fault + "\n");
      BOOST_TEST(loaded.keys.at(0).current == nullptr);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_key_may_end_in_a_line_feed) {
  const TempDir dir;
  dir.write("acme.key", "  " + kKey + "\r\n");
  BOOST_TEST(holds(load(dir, file_account("acme.key")).keys.at(0).current, kKey));
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_refused) {
  const TempDir dir;
  std::filesystem::create_directory(dir.path() / "directory");
  BOOST_REQUIRE_EQUAL(::mkfifo((dir.path() / "fifo").c_str(), 0600), 0);
  std::filesystem::create_symlink("nowhere", dir.path() / "dangling");
  struct Row {
    const char* file;
    const char* fault;
  };
  const Row rows[] = {
      {"missing", "cannot be opened: No such file or directory"},
      {"dangling", "cannot be opened: No such file or directory"},
      {"missing/acme.key", "cannot be opened: No such file or directory"},
      {"directory", "is not a regular file"},
      {"fifo", "is not a regular file"},  // and nobody waits for a writer
      {"/dev/null", "is not a regular file"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.file) {
      BOOST_TEST(load(dir, file_account(row.file)).faults ==
                 std::string("accounts[0].credential: key_file: ") + row.fault + "\n");
    }
  }
}

BOOST_AUTO_TEST_CASE(root_may_check_the_key_of_the_workers_user, *boost::unit_test::precondition([](auto) {
                       return boost::test_tools::assertion_result(::geteuid() == 0);
                     })) {
  const TempDir dir;
  const auto file = dir.write("acme.key", kKey);
  BOOST_REQUIRE_EQUAL(::chown(file.c_str(), 65534, 65534), 0);
  BOOST_TEST(load(dir, file_account("acme.key")).faults == "");
  BOOST_TEST(holds(load(dir, file_account("acme.key")).keys.at(0).current, kKey));
}

BOOST_AUTO_TEST_CASE(an_absolute_name_and_a_link_are_followed) {
  const TempDir dir;
  const TempDir elsewhere;
  const auto file = elsewhere.write("real.key", kKey);
  BOOST_TEST(holds(load(dir, file_account(file.string())).keys.at(0).current, kKey));
  std::filesystem::create_symlink(file, dir.path() / "link.key");
  BOOST_TEST(holds(load(dir, file_account("link.key")).keys.at(0).current, kKey));
  // What counts is the mode of the file behind the link.
  elsewhere.write("real.key", kKey, 0644);
  BOOST_TEST(load(dir, file_account("link.key")).faults.find("has mode 0644") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_variable_is_wiped_and_remembered) {
  const TempDir dir;
  const Variable variable(kVariable, kKey);
  const char* place = std::getenv(kVariable);
  KeyLoader loader(dir.path());
  const Loaded first = load(loader, {environment_account()});
  BOOST_TEST(first.faults == "");
  BOOST_TEST(holds(first.keys.at(0).current, kKey));
  for (std::size_t i = 0; i < kKey.size(); ++i)
    BOOST_TEST(place[i] == '\0');

  const Loaded again = load(loader, {environment_account(), environment_account()});
  BOOST_TEST(again.faults == "");
  BOOST_TEST(holds(again.keys.at(0).current, kKey));
  BOOST_TEST(holds(again.keys.at(1).current, kKey));
}

BOOST_AUTO_TEST_CASE(a_bad_variable_is_wiped_too) {
  const TempDir dir;
  const Variable variable(kVariable, "hunter2 hunter2 hunter2");
  const char* place = std::getenv(kVariable);
  const Loaded loaded = load(dir, environment_account());
  BOOST_TEST(loaded.faults ==
             "accounts[0].credential: key_env: holds no storage account key: 23 characters that are not "
             "base64 of a key\n");
  BOOST_TEST(std::string_view(place, 23) == std::string(23, '\0'));
}

BOOST_AUTO_TEST_CASE(a_missing_variable_is_a_fault) {
  const TempDir dir;
  BOOST_TEST(load(dir, environment_account()).faults ==
             "accounts[0].credential: key_env: the environment has no variable of this name\n");
}

// systemd guards them itself; an access list shows in the mode as the group's right.
BOOST_AUTO_TEST_CASE(a_credential_is_loaded_whatever_its_mode) {
  const TempDir dir;
  const TempDir credentials;
  const Variable variable("CREDENTIALS_DIRECTORY", credentials.path().string());
  for (const mode_t mode : {0400U, 0440U, 0444U}) {
    credentials.write("acme", kKey, mode);
    const Loaded loaded = load(dir, credential_account("acme"));
    BOOST_TEST(loaded.faults == "");
    BOOST_TEST(holds(loaded.keys.at(0).current, kKey));
  }
}

BOOST_AUTO_TEST_CASE(a_bad_credential_is_a_fault) {
  const TempDir dir;
  BOOST_TEST(
      load(dir, credential_account("acme")).faults ==
      "accounts[0].credential: key_credential: needs a systemd unit with LoadCredential=acme:<file>\n");
  const TempDir credentials;
  const Variable variable("CREDENTIALS_DIRECTORY", credentials.path().string());
  BOOST_TEST(load(dir, credential_account("acme")).faults ==
             "accounts[0].credential: key_credential: cannot be opened: No such file or directory\n");
  credentials.write("acme", "no key");
  BOOST_TEST(load(dir, credential_account("acme")).faults ==
             "accounts[0].credential: key_credential: holds no storage account key: 6 characters that are "
             "not base64 of a key\n");
}

BOOST_AUTO_TEST_CASE(both_keys_of_an_account_are_loaded) {
  const TempDir dir;
  const std::string other = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=";
  dir.write("one.key", kKey);
  dir.write("two.key", other);
  Account account = file_account("one.key");
  account.next_key = KeySource{KeySource::Kind::file, "two.key"};
  const Loaded loaded = load(dir, account);
  BOOST_TEST(loaded.faults == "");
  BOOST_TEST(holds(loaded.keys.at(0).current, kKey));
  BOOST_TEST(holds(loaded.keys.at(0).next, other));
}

BOOST_AUTO_TEST_CASE(every_fault_of_every_account_is_named) {
  const TempDir dir;
  dir.write("open.key", kKey, 0644);
  dir.write("good.key", kKey);
  Account both = file_account("open.key");
  both.next_key = KeySource{KeySource::Kind::file, "missing.key"};
  KeyLoader loader(dir.path());
  const Loaded loaded = load(loader, {file_account("good.key"), both, environment_account()});
  BOOST_TEST(loaded.faults ==
             "accounts[1].credential: key_file: has mode 0644, so others than its owner can use it; chmod it "
             "to 0600\n"
             "accounts[1].credential: key_file: cannot be opened: No such file or directory\n"
             "accounts[2].credential: key_env: the environment has no variable of this name\n");
  BOOST_REQUIRE_EQUAL(loaded.keys.size(), 3U);
  BOOST_TEST(holds(loaded.keys[0].current, kKey));
}

BOOST_AUTO_TEST_CASE(the_hooks_secret_is_what_the_source_holds_trimmed) {
  struct Row {
    const char* name;
    std::string content;
    const char* secret;  ///< null: none
  };
  constexpr const char* kSixteen = "0123456789abcdef";
  const Row rows[] = {
      {"the least", kSixteen, kSixteen},
      {"white space around it", " \t0123456789abcdef\r\n\n", kSixteen},
      {"white space within it", "0123456789 abcdef", "0123456789 abcdef"},
      {"base64", std::string(kDevelopmentKey), kDevelopmentKey.data()},
      {"a byte too few", "0123456789abcde", nullptr},
      {"a byte too few, but for white space", "0123456789abcde\n\n\n", nullptr},
      {"empty", "", nullptr},
      {"white space", std::string(32, ' '), nullptr},
  };
  const TempDir dir;
  KeyLoader loader(dir.path());
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      dir.write("hook.secret", row.content);
      const SecretLoaded loaded = load_secret(loader, {KeySource::Kind::file, "hook.secret"});
      BOOST_TEST(loaded.text == (row.secret == nullptr ? "none" : row.secret));
      BOOST_TEST(loaded.faults ==
                 (row.secret == nullptr
                      ? "success.hook.secret_file: holds less than 16 bytes; make one with: openssl "
                        "rand -hex 32\n"
                      : ""));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_hooks_secret_is_guarded_as_keys_are) {
  const TempDir dir;
  dir.write("open.secret", kKey, 0644);
  dir.write("long.secret", std::string(4096, 's'));
  std::filesystem::create_directory(dir.path() / "directory");
  struct Row {
    const char* name;
    KeySource source;
    const char* fault;
  };
  const Row rows[] = {
      {"readable by others",
       {KeySource::Kind::file, "open.secret"},
       "success.hook.secret_file: has mode 0644, so others than its owner can use it; chmod it to 0600\n"},
      {"missing",
       {KeySource::Kind::file, "missing.secret"},
       "success.hook.secret_file: cannot be opened: No such file or directory\n"},
      {"a directory",
       {KeySource::Kind::file, "directory"},
       "success.hook.secret_file: is not a regular file\n"},
      {"too long",
       {KeySource::Kind::file, "long.secret"},
       "success.hook.secret_file: cannot be read, or is too long for a key\n"},
      {"no variable",
       {KeySource::Kind::environment, "BLOBVALET_UNIT_TEST_NONE"},
       "success.hook.secret_env: the environment has no variable of this name\n"},
      {"no credentials",
       {KeySource::Kind::credential, "hook"},
       "success.hook.secret_credential: needs a systemd unit with LoadCredential=hook:<file>\n"},
  };
  KeyLoader loader(dir.path());
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const SecretLoaded loaded = load_secret(loader, row.source);
      BOOST_TEST(loaded.text == "none");
      BOOST_TEST(loaded.faults == row.fault);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_hooks_secret_may_be_a_variable_or_a_credential) {
  const TempDir dir;
  const Variable variable(kVariable, " a secret of some bytes\n");
  const char* place = std::getenv(kVariable);
  KeyLoader loader(dir.path());
  for (int times = 0; times < 2; ++times) {
    const SecretLoaded loaded = load_secret(loader, {KeySource::Kind::environment, kVariable});
    BOOST_TEST(loaded.faults == "");
    BOOST_TEST(loaded.text == "a secret of some bytes");
    BOOST_TEST(std::string_view(place, 10) == std::string(10, '\0'), "the environment forgets it");
  }
  const Variable credentials("CREDENTIALS_DIRECTORY", dir.path().string());
  dir.write("hook", "a secret of systemd\n", 0440);
  BOOST_TEST(load_secret(loader, {KeySource::Kind::credential, "hook"}).text == "a secret of systemd");
}

BOOST_AUTO_TEST_CASE(no_message_holds_a_byte_of_a_key) {
  const TempDir dir;
  const std::string almost = "Zm9v" + kKey.substr(0, 80) + "!";
  const Variable variable(kVariable, almost);
  const Variable credentials("CREDENTIALS_DIRECTORY", dir.path().string());
  dir.write("almost.key", almost);
  dir.write("open.key", kKey, 0644);
  KeyLoader loader(dir.path());
  const Loaded loaded = load(loader, {file_account("almost.key"), file_account("open.key"),
                                      environment_account(), credential_account("almost.key")});
  BOOST_TEST(std::ranges::count(loaded.faults, '\n') == 4);
  for (std::size_t i = 0; i + 4 <= kKey.size(); ++i) {
    BOOST_TEST(loaded.faults.find(kKey.substr(i, 4)) == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(user_delegation_keys_are_those_that_somebody_has_fetched) {
  const TempDir dir;
  const KeyDirectory keys(dir.path());
  KeyLoader loader("/nonexistent");
  Loaded loaded = load(loader, {identity_account()}, dir.path());
  BOOST_TEST(loaded.faults == "", "one may still come");
  BOOST_TEST(loaded.keys.at(0).current == nullptr);
  BOOST_TEST(loaded.keys.at(0).next == nullptr);
  BOOST_TEST((loader.take_seen() == SeenFiles{{keys.key_file("acme"), FileState{}}}));

  keys.write_key("acme", delegation_key_text({"oid", "tid", "2026-03-01T11:45:00Z", "2026-03-04T12:00:00Z",
                                              "b", "2023-11-03", "", secret("0123456789abcdef")},
                                             "origin"));
  loaded = load(loader, {identity_account()}, dir.path());
  BOOST_TEST(loaded.faults == "");
  BOOST_REQUIRE(loaded.keys.at(0).current != nullptr);
  const auto& key = std::get<UserDelegationKey>(*loaded.keys.at(0).current);
  BOOST_TEST(key.object_id == "oid");
  BOOST_TEST((key.not_after == at("2026-03-04T12:00:00Z")));
  BOOST_TEST(reveal_text(key.value) == "0123456789abcdef");
  BOOST_TEST(
      (loader.take_seen() == SeenFiles{{keys.key_file("acme"), FileState::of(keys.key_file("acme"))}}));
  BOOST_TEST(loader.take_seen().empty());
}

BOOST_AUTO_TEST_CASE(a_bad_delegation_key_is_none_and_no_fault) {
  const TempDir dir;
  for (const mode_t mode : {0400U, 0644U}) {
    dir.write("acme.delegation-key", "nonsense", mode);
    KeyLoader loader("/nonexistent");
    const Loaded loaded = load(loader, {identity_account()}, dir.path());
    BOOST_TEST(loaded.faults == "");
    BOOST_TEST(loaded.keys.at(0).current == nullptr);
  }
}

BOOST_AUTO_TEST_CASE(files_are_seen_as_they_were_before_they_were_read) {
  const TempDir dir;
  dir.write("acme.key", kKey);
  KeyLoader loader(dir.path());
  Account account = file_account("acme.key");
  account.next_key = KeySource{KeySource::Kind::file, "next.key"};
  (void)load(loader, {account, environment_account(), account});
  const SeenFiles seen = loader.take_seen();
  BOOST_TEST(seen.size() == 2U);
  BOOST_TEST((seen.at(dir.path() / "acme.key") == FileState::of(dir.path() / "acme.key")));
  BOOST_TEST((seen.at(dir.path() / "next.key") == FileState{}));
}

BOOST_AUTO_TEST_SUITE_END()
