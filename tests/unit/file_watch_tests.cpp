#include <poll.h>

#include "fcgi/file_watch.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

namespace fs = std::filesystem;

SeenFiles seen_now(const std::vector<fs::path>& files) {
  SeenFiles seen;
  for (const fs::path& file : files)
    seen.emplace(file, FileState::of(file));
  return seen;
}

/// True if it wakes, within a moment.
bool wakes(const FileWatch& watch) {
  pollfd waiting{watch.fd(), POLLIN, 0};
  return ::poll(&waiting, 1, 50) == 1;
}

void append(const fs::path& file, std::string_view text) {
  std::ofstream(file, std::ios::app | std::ios::binary) << text;
}

/// `config/blobvalet.json`, a key beside it, and what Kubernetes makes of a volume: `volume/key` leads to
/// `volume/..data/key`, and `..data` to `..1`. `current` leads to the directory `release1`.
struct Files {
  Files() {
    for (const char* name :
         {"config", "volume", "volume/..1", "volume/..2", "release1", "release2", "target"})
      fs::create_directory(root / name);
    dir.write("config/blobvalet.json", "{}");
    dir.write("config/key", "key");
    dir.write("volume/..1/key", "one");
    dir.write("volume/..2/key", "two");
    fs::create_symlink("..1", root / "volume/..data");
    fs::create_symlink("..data/key", root / "volume/key");
    dir.write("release1/key", "one");
    dir.write("release2/key", "two");
    fs::create_symlink("release1", root / "current");
    dir.write("target/key", "key");
    fs::create_symlink(root / "target/key", root / "config/link");
  }
  void write(const char* name, std::string_view text) const { dir.write(name, text); }
  void move(const char* from, const char* to) const { fs::rename(root / from, root / to); }
  /// At once, as `ln -sfn` does not.
  void relink(const char* target, const char* link) const {
    fs::create_symlink(target, root / "new-link");
    fs::rename(root / "new-link", root / link);
  }

  TempDir dir;
  fs::path root = dir.path();
};

}  // namespace

BOOST_AUTO_TEST_SUITE(file_watch_tests)

BOOST_AUTO_TEST_CASE(states_tell_a_change_from_none) {
  const Files files;
  const fs::path key = files.root / "config/key";
  const FileState before = FileState::of(key);
  BOOST_TEST((FileState::of(key) == before));
  BOOST_TEST(before.size == 3);
  BOOST_TEST((FileState::of(files.root / "none") == FileState{}));
  BOOST_TEST((FileState::of(key / "none") == FileState{}));
  BOOST_TEST(!(FileState::of(files.root / "config/blobvalet.json") == before));
  // Links are followed.
  BOOST_TEST((FileState::of(files.root / "config/link") == FileState::of(files.root / "target/key")));
  // The same bytes in another file, moved into its place with the old times.
  files.write("config/new", "key");
  fs::last_write_time(files.root / "config/new", fs::last_write_time(key));
  files.move("config/new", "config/key");
  BOOST_TEST(!(FileState::of(key) == before));
}

BOOST_AUTO_TEST_CASE(looking_again_takes_the_states_of_now) {
  const Files files;
  const auto seen = seen_now({files.root / "config/key", files.root / "none"});
  append(files.root / "config/key", "more");
  files.write("none", "some");
  const SeenFiles again = look_again(seen);
  BOOST_TEST((again == seen_now({files.root / "config/key", files.root / "none"})));
  BOOST_TEST(!(again == seen));
}

// Each wakes, and is a change of one of the files that are watched.
BOOST_AUTO_TEST_CASE(every_change_of_a_file_is_seen) {
  struct Row {
    const char* name;
    const char* file;
    void (*change)(const Files&);
  };
  const Row rows[] = {
      {"written in place", "config/key", [](const Files& files) { append(files.root / "config/key", "x"); }},
      {"the same size", "config/key",
       [](const Files& files) { std::ofstream(files.root / "config/key", std::ios::binary) << "yek"; }},
      {"another moved over it", "config/key",
       [](const Files& files) {
         files.write("config/key.new", "key");
         files.move("config/key.new", "config/key");
       }},
      {"removed", "config/key", [](const Files& files) { fs::remove(files.root / "config/key"); }},
      {"moved away", "config/key", [](const Files& files) { files.move("config/key", "target/elsewhere"); }},
      {"made", "config/none", [](const Files& files) { files.write("config/none", "x"); }},
      {"other rights", "config/key",
       [](const Files& files) { fs::permissions(files.root / "config/key", fs::perms::owner_read); }},
      {"linked", "config/none",
       [](const Files& files) {
         fs::create_hard_link(files.root / "config/key", files.root / "config/none");
       }},
      {"made with its directory", "run/keys/key",
       [](const Files& files) {
         fs::create_directories(files.root / "run/keys");
         files.write("run/keys/key", "x");
       }},
      {"the directory removed with it", "config/key",
       [](const Files& files) { fs::remove_all(files.root / "config"); }},
      {"the directory moved away", "config/key", [](const Files& files) { files.move("config", "old"); }},
      {"the directory exchanged", "config/key",
       [](const Files& files) {
         files.move("config", "old");
         files.move("release1", "config");
       }},
      {"a directory above moved away", "volume/..1/key",
       [](const Files& files) { files.move("volume", "old"); }},
      {"a link's target written", "config/link",
       [](const Files& files) { append(files.root / "target/key", "x"); }},
      {"a link's target replaced", "config/link",
       [](const Files& files) {
         files.write("new", "key");
         files.move("new", "target/key");
       }},
      {"a link that leads elsewhere", "config/link",
       [](const Files& files) { files.relink("key", "config/link"); }},
      {"a link's target removed", "config/link",
       [](const Files& files) { fs::remove(files.root / "target/key"); }},
      {"a volume of Kubernetes", "volume/key",
       [](const Files& files) { files.relink("..2", "volume/..data"); }},
      {"the directory is a link that leads elsewhere", "current/key",
       [](const Files& files) { files.relink("release2", "current"); }},
      {"the link to the directory is removed", "current/key",
       [](const Files& files) { fs::remove(files.root / "current"); }},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Files files;
      FileWatch watch;
      watch.watch(seen_now({files.root / "config/blobvalet.json", files.root / row.file}));
      BOOST_TEST(!wakes(watch));
      BOOST_TEST(!watch.has_changed());
      row.change(files);
      BOOST_TEST(wakes(watch));
      BOOST_TEST(watch.has_changed());
      BOOST_TEST(watch.has_changed(), "it has changed until it is seen again");
    }
  }
}

// A directory that is made, or made again, is watched itself from then on.
BOOST_AUTO_TEST_CASE(each_step_of_a_directory_that_appears_is_followed) {
  struct Row {
    const char* name;
    const char* file;
    std::vector<void (*)(const Files&)> steps;  ///< the last is a change of the file
  };
  const auto make_run = [](const Files& files) { fs::create_directory(files.root / "run"); };
  const auto make_keys = [](const Files& files) { fs::create_directory(files.root / "run/keys"); };
  const auto make_key = [](const Files& files) { files.write("run/keys/key", "x"); };
  const Row rows[] = {
      {"one after the other", "run/keys/key", {make_run, make_keys, make_key}},
      {"removed in between",
       "run/keys/key",
       {make_run, make_keys, [](const Files& files) { fs::remove(files.root / "run/keys"); }, make_keys,
        make_key}},
      {"all removed in between",
       "run/keys/key",
       {make_run, make_keys, [](const Files& files) { fs::remove_all(files.root / "run"); }, make_run,
        make_keys, make_key}},
      {"moved into place",
       "run/keys/key",
       {make_run, [](const Files& files) { files.move("target", "run/keys"); }}},
      {"a link into place",
       "run/key",
       {[](const Files& files) { files.relink("nowhere", "run"); },
        [](const Files& files) { fs::create_directory(files.root / "nowhere"); },
        [](const Files& files) { files.write("nowhere/key", "x"); }}},
  };
  for (const Row& row : rows) {
    const Files files;
    FileWatch watch;
    watch.watch(seen_now({files.root / row.file}));
    for (std::size_t i = 0; i < row.steps.size(); ++i) {
      BOOST_TEST_CONTEXT(row.name << ", step " << i) {
        row.steps[i](files);
        BOOST_TEST(wakes(watch));
        BOOST_TEST(watch.has_changed() == (i + 1 == row.steps.size()));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_directory_deleted_and_made_again_is_watched) {
  const Files files;
  FileWatch watch;
  for (int round = 0; round < 3; ++round) {
    BOOST_TEST_CONTEXT("round " << round) {
      watch.watch(seen_now({files.root / "config/key"}));
      fs::remove_all(files.root / "config");
      BOOST_TEST(wakes(watch));
      BOOST_TEST(watch.has_changed());
      watch.watch(seen_now({files.root / "config/key"}));
      fs::create_directory(files.root / "config");
      BOOST_TEST(wakes(watch));
      BOOST_TEST(!watch.has_changed());
      files.write("config/key", "new");
      BOOST_TEST(wakes(watch));
      BOOST_TEST(watch.has_changed());
    }
  }
}

BOOST_AUTO_TEST_CASE(other_files_do_not_matter) {
  struct Row {
    const char* name;
    void (*change)(const Files&);
  };
  const Row rows[] = {
      {"one beside it", [](const Files& files) { files.write("config/status.json", "{}"); }},
      {"a link's neighbour", [](const Files& files) { append(files.root / "config/key", "x"); }},
      {"read", [](const Files& files) { std::ifstream(files.root / "config/blobvalet.json").get(); }},
      {"another release", [](const Files& files) { append(files.root / "release2/key", "x"); }},
      {"a directory above it", [](const Files& files) { files.write("beside", "x"); }},
      {"moved away and back",
       [](const Files& files) {
         files.move("release1", "old");
         files.move("old", "release1");
       }},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const Files files;
      FileWatch watch;
      watch.watch(seen_now({files.root / "config/blobvalet.json", files.root / "current/key"}));
      row.change(files);
      (void)wakes(watch);
      BOOST_TEST(!watch.has_changed());
      BOOST_TEST(!wakes(watch), "it wakes once only");
    }
  }
}

// inotify tells nothing of what was before.
BOOST_AUTO_TEST_CASE(what_changed_before_the_watch_is_seen) {
  const Files files;
  const SeenFiles seen = seen_now({files.root / "config/key", files.root / "none"});
  append(files.root / "config/key", "x");
  FileWatch watch;
  watch.watch(seen);
  BOOST_TEST(watch.has_changed());
  watch.watch(seen_now({files.root / "config/key", files.root / "none"}));
  BOOST_TEST(!watch.has_changed());
  files.write("none", "x");
  BOOST_TEST(watch.has_changed());
}

BOOST_AUTO_TEST_CASE(only_the_files_of_the_last_call_count) {
  const Files files;
  FileWatch watch;
  BOOST_TEST(!watch.has_changed());
  watch.watch(seen_now({files.root / "config/key"}));
  watch.watch(seen_now({files.root / "target/key"}));
  append(files.root / "config/key", "x");
  BOOST_TEST(!watch.has_changed());
  append(files.root / "target/key", "x");
  BOOST_TEST(watch.has_changed());
  watch.watch({});
  BOOST_TEST(!watch.has_changed());
}

// A file that cannot be there, and links that lead in a circle.
BOOST_AUTO_TEST_CASE(names_that_lead_nowhere_do_no_harm) {
  const Files files;
  fs::create_symlink("round", files.root / "round");
  fs::create_symlink("there", files.root / "here");
  fs::create_symlink("here", files.root / "there");
  FileWatch watch;
  watch.watch(
      seen_now({"", "/", ".", files.root / "config/key/below", files.root / "round", files.root / "here/key",
                files.root / "config/../config/key", files.root / std::string(300, 'n'), "relative"}));
  BOOST_TEST(!watch.has_changed());
  append(files.root / "config/key", "x");
  BOOST_TEST(wakes(watch));
  BOOST_TEST(watch.has_changed());
}

BOOST_AUTO_TEST_SUITE_END()
