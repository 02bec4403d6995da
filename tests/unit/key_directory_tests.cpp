#include <sys/stat.h>

#include <atomic>
#include <functional>
#include <thread>

#include "fcgi/adapters/key_directory.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

namespace fs = std::filesystem;

UserDelegationKey key_until(std::string_view expiry, char fill = 'x') {
  return {"oid",        "tid", "2026-03-01T11:45:00Z",        std::string(expiry),        "b",
          "2023-11-03", "",    secret(std::string(32, fill)), at("2026-03-01T11:45:00Z"), at(expiry)};
}
SecretBytes text_until(std::string_view expiry, char fill = 'x') {
  return delegation_key_text(key_until(expiry, fill), "origin");
}

/// A directory for keys that has been made.
struct Bench {
  Bench() { keys.create(); }

  /// Until when the key is valid, `none`, or what is wrong, without the path.
  [[nodiscard]] std::string read(const std::string& account = "acme") const {
    std::string fault;
    const auto key = keys.read_key(account, fault);
    BOOST_TEST(!(key && !fault.empty()));
    if (key) return key->key.expiry;
    if (fault.empty()) return "none";
    const std::string prefix = keys.key_file(account).string() + ": ";
    BOOST_TEST(fault.starts_with(prefix));
    return fault.substr(prefix.size());
  }
  [[nodiscard]] std::string files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(keys.path()))
      names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    std::string all;
    for (const std::string& name : names)
      all.append(name).append(" ");
    return all;
  }
  void write(std::string_view text, mode_t mode = 0400) const {
    dir.write("keys/acme.delegation-key", text, mode);
  }

  TempDir dir;
  KeyDirectory keys{dir.path() / "keys"};
};

mode_t mode_of(const fs::path& path) {
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::lstat(path.c_str(), &status), 0);
  return status.st_mode & 07777U;
}

constexpr const char* kNoFile = "is not a regular file";
constexpr const char* kNoKey = "holds no user delegation key";

std::string thrown_by(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(key_directory_tests)

BOOST_AUTO_TEST_CASE(a_key_is_handed_on) {
  const Bench bench;
  BOOST_TEST(bench.read() == "none");
  bench.keys.write_key("acme", text_until("2026-03-04T12:00:00Z"));
  BOOST_TEST(bench.read() == "2026-03-04T12:00:00Z");
  BOOST_TEST(bench.read("other") == "none");
  bench.keys.write_key("other", text_until("2026-03-05T12:00:00Z"));
  bench.keys.write_key("acme", text_until("2026-03-06T12:00:00Z"));
  BOOST_TEST(bench.read() == "2026-03-06T12:00:00Z");
  BOOST_TEST(bench.read("other") == "2026-03-05T12:00:00Z");
  BOOST_TEST(bench.files() == "acme.delegation-key other.delegation-key ");
}

BOOST_AUTO_TEST_CASE(nobody_else_may_look) {
  const mode_t before = ::umask(0);
  const Bench bench;
  bench.keys.write_key("acme", text_until("2026-03-04T12:00:00Z"));
  bench.keys.write_status({at("2026-03-01T12:00:00Z"), {}, {}});
  ::umask(before);
  BOOST_TEST(mode_of(bench.keys.path()) == 0700U);
  BOOST_TEST(mode_of(bench.keys.key_file("acme")) == 0400U);
  BOOST_TEST(mode_of(bench.keys.status_file()) == 0600U);
}

// Whose it may be is what secret_files_tests are about.
BOOST_AUTO_TEST_CASE(only_a_private_file_is_a_key) {
  const auto text = text_until("2026-03-04T12:00:00Z");
  for (const auto& [mode, name] : std::initializer_list<std::pair<mode_t, const char*>>{{0400U, ""},
                                                                                        {0600U, ""},
                                                                                        {0700U, ""},
                                                                                        {0404U, "0404"},
                                                                                        {0602U, "0602"},
                                                                                        {0620U, "0620"},
                                                                                        {0601U, "0601"},
                                                                                        {0610U, "0610"},
                                                                                        {0660U, "0660"},
                                                                                        {0644U, "0644"},
                                                                                        {0777U, "0777"}}) {
    const Bench bench;
    bench.write(reveal_text(text), mode);
    BOOST_TEST_CONTEXT(std::oct << mode) {
      const std::string objection =
          std::string("has mode ") + name + ", so others than its owner can use it; chmod it to 0600";
      BOOST_TEST(bench.read() == (*name == '\0' ? "2026-03-04T12:00:00Z" : objection));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_file_is_no_key) {
  struct Row {
    const char* name;
    void (*make)(const fs::path& file);
    const char* outcome;
  };
  const Row rows[] = {
      {"a link to a key",
       [](const fs::path& file) {
         const auto text = text_until("2026-03-04T12:00:00Z");
         std::ofstream(file.parent_path() / "key") << reveal_text(text);
         fs::permissions(file.parent_path() / "key", fs::perms::owner_read);
         fs::create_symlink("key", file);
       },
       "cannot be opened: Too many levels of symbolic links"},
      {"a link to nowhere", [](const fs::path& file) { fs::create_symlink("nowhere", file); },
       "cannot be opened: Too many levels of symbolic links"},
      {"a directory", [](const fs::path& file) { fs::create_directory(file); }, kNoFile},
      {"a pipe, which nobody writes to", [](const fs::path& file) { ::mkfifo(file.c_str(), 0400); }, kNoFile},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Bench bench;
      row.make(bench.keys.key_file("acme"));
      BOOST_TEST(bench.read() == row.outcome);
    }
  }
}

BOOST_AUTO_TEST_CASE(partial_files_and_garbage_are_no_key) {
  const auto whole = text_until("2026-03-04T12:00:00Z");
  const std::string text(reveal_text(whole));
  struct Row {
    const char* name;
    std::string text;
  };
  const Row rows[] = {
      {"empty", ""},
      {"its first half", text.substr(0, text.size() / 2)},
      {"without its last byte", text.substr(0, text.size() - 1)},
      {"without the last bytes of its value", text.substr(0, text.size() - 5)},
      {"NULs", std::string(text.size(), '\0')},
      {"an account key", std::string(kDevelopmentKey)},
      {"too long", text + std::string(4096, '\n')},
      {"text", "hello\n"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Bench bench;
      bench.write(row.text);
      BOOST_TEST(bench.read() == kNoKey);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_fault_holds_no_byte_of_the_key) {
  const Bench bench;
  const auto whole = text_until("2026-03-04T12:00:00Z");
  const std::string text(reveal_text(whole));
  bench.write(text.substr(0, text.size() - 1));
  BOOST_TEST(bench.read().find("eHh4") == std::string::npos);
}

// Whoever reads finds the old key or the new one, whole.
BOOST_AUTO_TEST_CASE(a_key_is_replaced_at_once) {
  const Bench bench;
  const auto first = text_until("2026-03-04T12:00:00Z", 'a');
  const auto second = text_until("2026-03-05T12:00:00Z", 'b');
  bench.keys.write_key("acme", first);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (bool odd = true; !stop; odd = !odd)
      bench.keys.write_key("acme", odd ? second : first);
  });
  std::size_t wrong = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string fault;
    const auto key = bench.keys.read_key("acme", fault);
    const char fill = key && key->key.expiry == "2026-03-04T12:00:00Z" ? 'a' : 'b';
    wrong += !key || reveal_text(key->key.value) != std::string(32, fill);
  }
  stop = true;
  writer.join();
  BOOST_TEST(wrong == 0U);
}

BOOST_AUTO_TEST_CASE(what_a_killed_predecessor_left_is_no_hindrance) {
  const Bench bench;
  bench.dir.write("keys/acme.delegation-key.new", "half a k", 0400);
  BOOST_TEST(bench.read() == "none");
  bench.keys.write_key("acme", text_until("2026-03-04T12:00:00Z"));
  BOOST_TEST(bench.read() == "2026-03-04T12:00:00Z");
  BOOST_TEST(bench.files() == "acme.delegation-key ");
  // Nor is a link that somebody put there: what it leads to stays as it is.
  const auto victim = bench.dir.write("victim", "untouched");
  fs::create_symlink(victim, bench.keys.path() / "acme.delegation-key.new");
  bench.keys.write_key("acme", text_until("2026-03-05T12:00:00Z"));
  BOOST_TEST(bench.read() == "2026-03-05T12:00:00Z");
  std::string text;
  std::getline(std::ifstream(victim), text);
  BOOST_TEST(text == "untouched");
}

BOOST_AUTO_TEST_CASE(keys_of_accounts_that_are_no_more_are_removed) {
  const Bench bench;
  for (const char* account : {"acme", "other", "third"})
    bench.keys.write_key(account, text_until("2026-03-04T12:00:00Z"));
  bench.keys.write_status({at("2026-03-01T12:00:00Z"), {}, {}});
  bench.dir.write("keys/lock", "");
  bench.keys.remove_keys([](const std::string& account) { return account == "other"; });
  BOOST_TEST(bench.files() == "lock other.delegation-key status.json ");
  bench.keys.remove_keys([](const std::string&) { return false; });
  BOOST_TEST(bench.files() == "lock status.json ");
}

BOOST_AUTO_TEST_CASE(a_status_is_handed_on) {
  const Bench bench;
  BOOST_TEST(!bench.keys.read_status().has_value());
  bench.keys.write_status({at("2026-03-01T12:00:00Z"), {{"acme", "why", at("2026-03-01T11:00:00Z")}}, {}});
  const auto status = bench.keys.read_status();
  BOOST_REQUIRE(status.has_value());
  BOOST_TEST(status->failures.at(0).reason == "why");
  bench.keys.write_status({at("2026-03-01T12:01:00Z"), {}, {}});
  BOOST_TEST(bench.keys.read_status().value().failures.empty());
  for (const char* text : {"", "{", "null"}) {
    bench.dir.write("keys/status.json", text);
    BOOST_TEST(!bench.keys.read_status().has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_there_is_left_as_it_is) {
  const Bench bench;
  fs::permissions(bench.keys.path(), fs::perms(0750));
  bench.keys.write_key("acme", text_until("2026-03-04T12:00:00Z"));
  bench.keys.create();
  BOOST_TEST(mode_of(bench.keys.path()) == 0750U);
  BOOST_TEST(bench.read() == "2026-03-04T12:00:00Z");
}

BOOST_AUTO_TEST_CASE(whoever_writes_hears_what_failed) {
  const TempDir dir;
  const KeyDirectory nowhere(dir.path() / "none/keys");
  const std::string path = nowhere.path().string();
  const auto text = text_until("2026-03-04T12:00:00Z");
  BOOST_TEST(thrown_by([&] { nowhere.create(); }) == path + ": No such file or directory");
  BOOST_TEST(thrown_by([&] { nowhere.write_key("acme", text); }) ==
             path + "/acme.delegation-key.new: No such file or directory");
  BOOST_TEST(thrown_by([&] { nowhere.write_status({}); }) ==
             path + "/status.json.new: No such file or directory");
  BOOST_TEST(thrown_by([&] { nowhere.remove_keys([](const std::string&) { return false; }); }) != "nothing");
  // A directory in the place of a key.
  const KeyDirectory keys(dir.path());
  fs::create_directories(keys.key_file("acme") / "below");
  BOOST_TEST(thrown_by([&] { keys.write_key("acme", text); }) ==
             keys.key_file("acme").string() + ": Is a directory");
}

BOOST_AUTO_TEST_SUITE_END()
