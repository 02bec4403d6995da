#include <fcntl.h>

#include "fcgi/adapters/secret_files.hpp"
#include "fcgi/file_descriptor.hpp"
#include "tests/unit/support.hpp"
#include "tests/unit/temp_dir.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

constexpr uid_t kRoot = 0;
constexpr uid_t kWorker = 990;
constexpr uid_t kSomebody = 1000;
constexpr gid_t kWorkers = 991;
constexpr gid_t kUsers = 100;

struct stat status_of(mode_t mode, uid_t user, gid_t group) {
  struct stat status {};
  status.st_mode = mode;
  status.st_uid = user;
  status.st_gid = group;
  return status;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(secret_files_tests)

BOOST_AUTO_TEST_CASE(who_may_own_and_use_a_secret) {
  struct Row {
    const char* name;
    uid_t user;
    gid_t group;
    mode_t mode;
    const char* to_worker;  ///< the objection's beginning, or empty
    const char* to_root;
  };
  const Row rows[] = {
      {"ours alone", kWorker, kWorkers, 0600, "", ""},
      {"ours to read", kWorker, kWorkers, 0400, "", ""},
      {"root's, for our group to read", kRoot, kWorkers, 0640, "", ""},
      {"the same, written by nobody", kRoot, kWorkers, 0440, "", ""},
      {"root's alone", kRoot, kRoot, 0600, "", ""},  // if we could open it
      {"root's, for another group to read", kRoot, kUsers, 0640, "has mode 0640", ""},
      {"root's, for root's group to read", kRoot, kRoot, 0640, "has mode 0640", ""},
      {"root's, for our group to write", kRoot, kWorkers, 0660, "has mode 0660", "has mode 0660"},
      {"root's, for our group to run", kRoot, kWorkers, 0650, "has mode 0650", "has mode 0650"},
      {"root's, for our group to write only", kRoot, kWorkers, 0620, "has mode 0620", "has mode 0620"},
      {"root's, for all to read", kRoot, kWorkers, 0644, "has mode 0644", "has mode 0644"},
      {"root's, for all but the group to read", kRoot, kWorkers, 0604, "has mode 0604", "has mode 0604"},
      {"ours, for our group to read", kWorker, kWorkers, 0640, "has mode 0640", "has mode 0640"},
      {"ours, for all to write", kWorker, kWorkers, 0602, "has mode 0602", "has mode 0602"},
      {"ours, for all to run", kWorker, kWorkers, 0601, "has mode 0601", "has mode 0601"},
      {"somebody's", kSomebody, kUsers, 0600, "belongs to user 1000", ""},
      {"somebody's, for our group to read", kSomebody, kWorkers, 0640, "belongs to user 1000",
       "has mode 0640"},
      {"somebody's, for all to read", kSomebody, kUsers, 0644, "belongs to user 1000", "has mode 0644"},
  };
  const auto begins = [](const std::string& objection, const char* start) {
    return *start == '\0' ? objection.empty() : objection.starts_with(start);
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const struct stat status = status_of(S_IFREG | row.mode, row.user, row.group);
      const std::string to_worker = objection_to(status, {kWorker, kWorkers});
      const std::string to_root = objection_to(status, {kRoot, kRoot});
      BOOST_TEST(begins(to_worker, row.to_worker), to_worker);
      BOOST_TEST(begins(to_root, row.to_root), to_root);
    }
  }
}

BOOST_AUTO_TEST_CASE(only_a_regular_file_holds_a_secret) {
  for (const int type : {S_IFDIR, S_IFIFO, S_IFCHR, S_IFBLK, S_IFSOCK, S_IFLNK}) {
    BOOST_TEST(objection_to(status_of(static_cast<mode_t>(type) | 0600U, kWorker, kWorkers),
                            {kWorker, kWorkers}) == "is not a regular file");
  }
  BOOST_TEST(objection_to(-1) == "is not a regular file");
}

BOOST_AUTO_TEST_CASE(an_objection_says_what_to_do) {
  BOOST_TEST(objection_to(status_of(S_IFREG | 0644U, kWorker, kWorkers), {kWorker, kWorkers}) ==
             "has mode 0644, so others than its owner can use it; chmod it to 0600");
  BOOST_TEST(objection_to(status_of(S_IFREG | 0600U, kSomebody, kUsers), {kWorker, kWorkers}) ==
             "belongs to user 1000, who can change it; chown it to root or 990");
}

BOOST_AUTO_TEST_CASE(an_open_file_is_judged_as_it_is) {
  const TempDir dir;
  const FileDescriptor closed(::open(dir.write("closed", "x", 0600).c_str(), O_RDONLY));
  const FileDescriptor open(::open(dir.write("open", "x", 0644).c_str(), O_RDONLY));
  BOOST_TEST(objection_to(closed.get()) == "");
  BOOST_TEST(objection_to(open.get()).starts_with("has mode 0644"));
}

BOOST_AUTO_TEST_SUITE_END()
