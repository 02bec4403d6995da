#include <sys/stat.h>
#include <utime.h>

#include <fstream>

#include "core/blob_check.hpp"
#include "fcgi/adapters/refusal_files.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;
namespace fs = std::filesystem;

namespace {

fs::path only_file(const TempDir& dir) {
  return fs::directory_iterator(dir.path() / "refused")->path();
}

void make_old(const fs::path& file) {
  constexpr std::time_t kTwoHours = 7200;
  const utimbuf times{std::time(nullptr) - kTwoHours, std::time(nullptr) - kTwoHours};
  BOOST_REQUIRE(::utime(file.c_str(), &times) == 0);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(refusal_files_tests)

BOOST_AUTO_TEST_CASE(every_violation_is_remembered_for_all_workers) {
  for (const Errc errc : kRuleViolations) {
    BOOST_TEST_CONTEXT(error_row(errc).code.view()) {
      const TempDir dir;
      RefusalFiles(dir.path()).remember("acme/uploads/a?uuid", errc);
      RefusalFiles other(dir.path());
      BOOST_TEST((other.recall("acme/uploads/a?uuid") == errc));
      BOOST_TEST(!other.recall("acme/uploads/a?other").has_value());
      BOOST_TEST(!other.recall("acme/uploads/b?uuid").has_value());
      BOOST_TEST(!other.recall("").has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(the_last_refusal_counts) {
  const TempDir dir;
  RefusalFiles files(dir.path());
  files.remember("a", Errc::content_type_not_allowed);
  files.remember("a", Errc::blob_too_large);
  BOOST_TEST((files.recall("a") == Errc::blob_too_large));
}

BOOST_AUTO_TEST_CASE(old_ones_are_forgotten) {
  const TempDir dir;
  RefusalFiles files(dir.path());
  files.remember("a", Errc::blob_too_large);
  make_old(only_file(dir));
  BOOST_TEST(!files.recall("a").has_value());
  files.remember("b", Errc::blob_too_large);
  BOOST_TEST(std::distance(fs::directory_iterator(dir.path() / "refused"), fs::directory_iterator()) == 1);
  BOOST_TEST((files.recall("b") == Errc::blob_too_large));
}

BOOST_AUTO_TEST_CASE(names_of_uploads_are_not_to_be_read_there) {
  const TempDir dir;
  RefusalFiles(dir.path()).remember("acme/uploads/../../etc/passwd", Errc::blob_too_large);
  BOOST_TEST(only_file(dir).filename().string().find_first_not_of("0123456789abcdef") == std::string::npos);
  struct stat status {};
  BOOST_REQUIRE(::stat((dir.path() / "refused").c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777U) == 0700U);
}

BOOST_AUTO_TEST_CASE(what_is_no_refusal_is_none) {
  for (const char* text : {"", "busy", "hook_refused", "blob_not_found", "nonsense", "blob_too_largee"}) {
    BOOST_TEST_CONTEXT(text) {
      const TempDir dir;
      RefusalFiles files(dir.path());
      files.remember("a", Errc::blob_too_large);
      std::ofstream(only_file(dir), std::ios::trunc) << text;
      BOOST_TEST(!files.recall("a").has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(without_the_directory_nothing_is_remembered) {
  const TempDir dir;
  RefusalFiles files(dir.path() / "missing");
  files.remember("a", Errc::blob_too_large);
  BOOST_TEST(!files.recall("a").has_value());
  BOOST_TEST(!fs::exists(dir.path() / "missing"));
}

BOOST_AUTO_TEST_SUITE_END()
