#include <sys/stat.h>

#include "fcgi/replace_file.hpp"
#include "fcgi/text_file.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

namespace fs = std::filesystem;

struct stat status_of(const fs::path& path) {
  struct stat status {};
  BOOST_REQUIRE_EQUAL(::lstat(path.c_str(), &status), 0);
  return status;
}

std::size_t files_in(const fs::path& directory) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

/// Why it failed; empty: it did not.
std::string failure(const fs::path& file, std::string_view before) {
  try {
    replace_file(file, before, "new");
  } catch (const std::exception& error) {
    return error.what();
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(replace_file_tests)

BOOST_AUTO_TEST_CASE(owner_and_mode_stay) {
  for (const mode_t mode : {0600U, 0640U, 0644U, 0400U}) {
    const TempDir dir;
    const auto file = dir.write("a.json", "old", mode);
    // Only root may give files away.
    if (::geteuid() == 0) BOOST_REQUIRE_EQUAL(::chown(file.c_str(), 4321, 1234), 0);
    const auto before = status_of(file);
    replace_file(file, "old", "new text");
    const auto after = status_of(file);
    BOOST_TEST(read_text_file(file).value_or("") == "new text");
    BOOST_TEST(after.st_mode == before.st_mode);
    BOOST_TEST(after.st_uid == before.st_uid);
    BOOST_TEST(after.st_gid == before.st_gid);
    BOOST_TEST(after.st_ino != before.st_ino);
    BOOST_TEST(files_in(dir.path()) == 1U);
  }
}

BOOST_AUTO_TEST_CASE(a_link_stays_a_link) {
  const TempDir dir;
  BOOST_REQUIRE(fs::create_directory(dir.path() / "real"));
  const auto target = dir.write("real/b.json", "old");
  const auto link = dir.path() / "a.json";
  fs::create_symlink("real/b.json", link);
  replace_file(link, "old", "new");
  BOOST_TEST(fs::is_symlink(link));
  BOOST_TEST(!fs::is_symlink(target));
  BOOST_TEST(read_text_file(target).value_or("") == "new");
}

BOOST_AUTO_TEST_CASE(a_failure_leaves_everything_as_it_was) {
  const TempDir dir;
  const auto file = dir.write("a.json", "changed");
  BOOST_TEST(failure(file, "old") == file.string() + ": has been changed meanwhile, so it was left alone");
  BOOST_TEST(failure(dir.path() / "none", "old").find("No such file or directory") != std::string::npos);
  fs::create_symlink("nowhere", dir.path() / "link");
  BOOST_TEST(failure(dir.path() / "link", "old").find("No such file or directory") != std::string::npos);
  BOOST_TEST(read_text_file(file).value_or("") == "changed");
  BOOST_TEST(files_in(dir.path()) == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
