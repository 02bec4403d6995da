#include "core/uploaded_file.hpp"
#include "core/uuid.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::string_view kUuid = "0b6b7f3e-1c5e-4a9e-9d0b-8f1f2b3c4d5e";

BlobTarget target_of(std::string_view name, std::string_view container = "uploads",
                     std::string_view account = "acme") {
  return {
      0, account, "https://acme", "https://acme", *ContainerName::parse(container), *BlobName::parse(name)};
}

ListedBlob blob(std::string name, std::string filename, std::string uuid = {}) {
  ListedBlob blob;
  blob.name = std::move(name);
  blob.filename = std::move(filename);
  blob.uuid = std::move(uuid);
  return blob;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(uploaded_file_tests)

BOOST_AUTO_TEST_CASE(a_name_is_what_the_client_has_stored_if_it_is_one) {
  struct Row {
    const char* name;
    std::string filename;
    std::string shown;
  };
  const Row rows[] = {
      {"plain", "photo.jpg", "photo.jpg"},
      {"encoded", "a%20b%23c%26d%C3%A9.txt", "a b#c&d\xc3\xa9.txt"},
      {"a plus is a plus", "a+b", "a+b"},
      {"a slash is part of it", "a%2Fb", "a/b"},
      {"markup is text", "%3Cb%3E%22", "<b>\""},
      {"decoded once", "%2541", "%41"},
      {"4,096 bytes", std::string(4096, 'x'), std::string(4096, 'x')},
      {"none", "", "x.txt"},
      {"a malformed escape", "a%2", "x.txt"},
      {"an escape of no digits", "a%zz", "x.txt"},
      {"no UTF-8", "a%ff", "x.txt"},
      {"an overlong form", "%c0%af", "x.txt"},
      {"a surrogate", "%ed%a0%80", "x.txt"},
      {"a NUL", "a%00b", "x.txt"},
      {"a line break", "a%0ab", "x.txt"},
      {"a control character", "a%7f", "x.txt"},
      {"too long", std::string(4097, 'x'), "x.txt"},
      {"far too long", repeated("%41", 4097), "x.txt"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(file_name(blob("alice/x.txt", row.filename)) == row.shown);
    }
  }
  BOOST_TEST(file_name(blob("x.txt", "")) == "x.txt");
}

BOOST_AUTO_TEST_CASE(a_uuid_is_that_of_the_upload_or_made_of_the_name) {
  const std::string uuid(kUuid);
  const std::string other = "ffffffff-1c5e-4a9e-9d0b-8f1f2b3c4d5e";
  struct Row {
    const char* name;
    std::string blob;
    std::string metadata;
    std::string shown;  ///< empty: one that is made
  };
  const Row rows[] = {
      {"metadata", "alice/a.txt", uuid, uuid},
      {"metadata comes first", "alice/" + other + ".txt", uuid, uuid},
      {"the blob's name", "alice/" + uuid + ".txt", "", uuid},
      {"the blob's name without extension", "alice/" + uuid, "", uuid},
      {"without a folder", uuid + ".tar.gz", "", uuid},
      {"bad metadata, good name", "alice/" + uuid + ".txt", "no", uuid},
      {"neither", "alice/a.txt", "", ""},
      {"only a folder has it", uuid + "/a.txt", "", ""},
      {"a digit too few", "alice/" + uuid.substr(1), "", ""},
      {"something before it", "alice/x" + uuid, "", ""},
      {"something behind it", "alice/" + uuid + "x", "", ""},
      {"braces", "alice/{" + uuid + "}", "", ""},
      {"malformed metadata", "alice/a.txt", uuid + "%", ""},
      {"markup", "alice/a.txt", "<script>", ""},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      const BlobTarget target = target_of(row.blob);
      const std::string expected = row.shown.empty() ? made_uuid(target) : row.shown;
      BOOST_TEST(file_uuid(blob(row.blob, "", row.metadata), target) == expected);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_made_is_a_uuid_of_version_8_and_the_same_always) {
  BOOST_TEST(uuid_from("") == "e3b0c442-98fc-8c14-9afb-f4c8996fb924");     // SHA-256 of nothing
  BOOST_TEST(uuid_from("abc") == "ba7816bf-8f01-8fea-8141-40de5dae2223");  // FIPS 180-4's example
  const std::string uuids[] = {made_uuid(target_of("a")), made_uuid(target_of("b")),
                               made_uuid(target_of("a", "others")),
                               made_uuid(target_of("a", "uploads", "acme2"))};
  for (const std::string& uuid : uuids) {
    BOOST_TEST(is_uuid(uuid));
    BOOST_TEST(std::count(std::begin(uuids), std::end(uuids), uuid) == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
