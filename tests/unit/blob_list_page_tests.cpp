#include "core/blob_list_page.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

constexpr std::size_t kMost = 3;

std::string page_of(const std::string& blobs, const std::string& marker = "<NextMarker/>") {
  return "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults "
         "ServiceEndpoint=\"https://acme/\" "
         "ContainerName=\"uploads\"><Prefix>alice/</Prefix><MaxResults>3</MaxResults><Blobs>" +
         blobs + "</Blobs>" + marker + "</EnumerationResults>";
}

/// One entry as Azure writes it, with what a row wants otherwise.
struct Entry {
  std::string name = "<Name>alice/a.txt</Name>";
  std::string before = "";
  std::string modified = "<Last-Modified>Sun, 01 Mar 2026 12:00:00 GMT</Last-Modified>";
  std::string etag = "<Etag>0x8D1</Etag>";
  std::string size = "<Content-Length>5</Content-Length>";
  std::string type = "<Content-Type>text/plain</Content-Type>";
  std::string kind = "<BlobType>BlockBlob</BlobType>";
  std::string more = "";
  std::string metadata = "<Metadata/>";
};

std::string xml(const Entry& entry) {
  return "<Blob>" + entry.name + entry.before + "<Properties>" + entry.modified + entry.etag + entry.size +
         entry.type + entry.kind + entry.more + "</Properties>" + entry.metadata + "<OrMetadata/></Blob>";
}

/// `name|size|type|filename|uuid` of each blob, one a line, then the marker if there is one; or `no listing`.
std::string read(std::string text) {
  const auto page = BlobListPage::parse(text, kMost);
  if (!page) return "no listing";
  std::string shown;
  for (const ListedBlob& blob : page->blobs) {
    shown.append(blob.name).append("|").append(std::to_string(blob.size_bytes)).append("|");
    shown.append(blob.content_type)
        .append("|")
        .append(blob.filename)
        .append("|")
        .append(blob.uuid)
        .append("\n");
  }
  return page->next_marker.empty() ? shown : shown + "next " + page->next_marker;
}

std::string metadata(const std::string& text) {
  return xml({.metadata = "<Metadata>" + text + "</Metadata>"});
}

std::string named(const std::string& text) {
  return xml({.name = "<Name>" + text + "</Name>"});
}

}  // namespace

BOOST_AUTO_TEST_SUITE(blob_list_page_tests)

BOOST_AUTO_TEST_CASE(files_are_those_that_fine_uploader_stores) {
  const std::string plain = "alice/a.txt|5|text/plain||\n";
  struct Row {
    const char* name;
    std::string blobs;
    std::string read;
  };
  const Row rows[] = {
      {"none", "", ""},
      {"one", xml({}), plain},
      {"two", xml({}) + named("alice/b"), plain + "alice/b|5|text/plain||\n"},
      {"metadata", metadata("<qqfilename>a%20b.png</qqfilename><qquuid>u</qquuid><other>x</other>"),
       "alice/a.txt|5|text/plain|a%20b.png|u\n"},
      {"metadata in other case", metadata("<QQFileName>a</QQFileName>"), "alice/a.txt|5|text/plain|a|\n"},
      {"metadata that holds an element", metadata("<qqfilename><b>a</b></qqfilename>"), plain},
      {"metadata with text and an element", metadata("<qqfilename>a<b/></qqfilename>"), plain},
      {"metadata that cannot be shown", metadata("<x-ms-invalid-name>a-b</x-ms-invalid-name>"), plain},
      {"no metadata", xml({.metadata = ""}), plain},
      {"references", named("alice/&lt;a&gt; &amp;&quot;&apos;"), "alice/<a> &\"'|5|text/plain||\n"},
      {"numeric references", named("alice/&#x898b;&#26412;"),
       "alice/\xe8\xa6\x8b\xe6\x9c\xac|5|text/plain||\n"},
      {"unknown references stay as they are", named("alice/&lol;"), "alice/&lol;|5|text/plain||\n"},
      {"CDATA", named("<![CDATA[alice/<a>]]>"), "alice/<a>|5|text/plain||\n"},
      {"UTF-8", named("alice/\xf0\x9f\xa6\x80"), "alice/\xf0\x9f\xa6\x80|5|text/plain||\n"},
      {"blanks", named(" alice/a "), " alice/a |5|text/plain||\n"},
      {"a name of blanks", named("  "), "  |5|text/plain||\n"},
      {"no type", xml({.type = "<Content-Type/>"}), "alice/a.txt|5|||\n"},
      {"no date", xml({.modified = ""}), plain},
      {"a size of 64 bits", xml({.size = "<Content-Length>18446744073709551615</Content-Length>"}),
       "alice/a.txt|18446744073709551615|text/plain||\n"},
      {"the current version",
       xml({.before = "<VersionId>1</VersionId><IsCurrentVersion>true</IsCurrentVersion>"}), plain},
      {"a file in a hierarchical namespace", xml({.more = "<ResourceType>file</ResourceType>"}), plain},
      // Not shown:
      {"no name", xml({.name = ""}), ""},
      {"an empty name", xml({.name = "<Name/>"}), ""},
      {"two names", xml({.name = "<Name>a</Name><Name>b</Name>"}), ""},
      {"a name that XML cannot hold", xml({.name = "<Name Encoded=\"true\">alice/a%EF%BF%BE</Name>"}), ""},
      {"a name that holds an element", xml({.name = "<Name>a<b/></Name>"}), ""},
      {"a snapshot", xml({.before = "<Snapshot>2026-03-01T12:00:00.0000000Z</Snapshot>"}), ""},
      {"an earlier version", xml({.before = "<VersionId>1</VersionId>"}), ""},
      {"a version that is not current",
       xml({.before = "<VersionId>1</VersionId><IsCurrentVersion>false</IsCurrentVersion>"}), ""},
      {"a deleted blob", xml({.before = "<Deleted>true</Deleted>"}), ""},
      {"blocks that were never committed", xml({.etag = ""}), ""},
      {"an empty ETag", xml({.etag = "<Etag/>"}), ""},
      {"a page blob", xml({.kind = "<BlobType>PageBlob</BlobType>"}), ""},
      {"an append blob", xml({.kind = "<BlobType>AppendBlob</BlobType>"}), ""},
      {"no kind", xml({.kind = ""}), ""},
      {"no size", xml({.size = ""}), ""},
      {"a negative size", xml({.size = "<Content-Length>-1</Content-Length>"}), ""},
      {"a size in words", xml({.size = "<Content-Length>five</Content-Length>"}), ""},
      {"a size with a blank", xml({.size = "<Content-Length> 5</Content-Length>"}), ""},
      {"a size beyond 64 bits", xml({.size = "<Content-Length>18446744073709551616</Content-Length>"}), ""},
      {"a directory", xml({.more = "<ResourceType>directory</ResourceType>"}), ""},
      {"a directory by its metadata", metadata("<hdi_isfolder>true</hdi_isfolder>"), ""},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(page_of(row.blobs)) == row.read);
    }
  }
}

BOOST_AUTO_TEST_CASE(markers_lead_to_the_next_page) {
  struct Row {
    const char* name;
    std::string marker;
    std::string read;
  };
  const Row rows[] = {
      {"none", "<NextMarker/>", ""},
      {"an empty one", "<NextMarker></NextMarker>", ""},
      {"Azure's", "<NextMarker>2!92!MDAw--</NextMarker>", "next 2!92!MDAw--"},
      {"an emulator's: a name", "<NextMarker>alice/a &amp; b</NextMarker>", "next alice/a & b"},
      {"the longest", "<NextMarker>" + std::string(8192, 'x') + "</NextMarker>",
       "next " + std::string(8192, 'x')},
      {"too long", "<NextMarker>" + std::string(8193, 'x') + "</NextMarker>", "no listing"},
      {"missing", "", "no listing"},
      {"two", "<NextMarker>a</NextMarker><NextMarker>b</NextMarker>", "no listing"},
      {"one that holds an element", "<NextMarker><a/></NextMarker>", "no listing"},
      {"one that holds text and an element", "<NextMarker>a<a/></NextMarker>", "no listing"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(page_of("", row.marker)) == row.read);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_no_storage_account_sends_is_refused) {
  const std::string whole = page_of(xml({}));
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep.append("<a>");
  struct Row {
    const char* name;
    std::string xml;
  };
  const Row rows[] = {
      {"nothing", ""},
      {"blanks", "  \n"},
      {"text", "hello"},
      {"JSON", R"({"blobs":[]})"},
      {"HTML", "<html><body>502 Bad Gateway</body></html>"},
      {"an error", "<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code></Error>"},
      {"a listing of containers", "<EnumerationResults><Containers/><NextMarker/></EnumerationResults>"},
      {"another root", "<Results><Blobs/><NextMarker/></Results>"},
      {"two roots", "<EnumerationResults><Blobs/><NextMarker/></EnumerationResults><EnumerationResults/>"},
      {"two lists", "<EnumerationResults><Blobs/><Blobs/><NextMarker/></EnumerationResults>"},
      {"no list", "<EnumerationResults><NextMarker/></EnumerationResults>"},
      {"an entry that is no blob", page_of("<BlobPrefix><Name>alice/b/</Name></BlobPrefix>")},
      {"text among the entries", page_of("alice/a.txt")},
      {"more than were asked for", page_of(xml({}) + xml({}) + xml({}) + xml({}))},
      {"more than were asked for, though not shown", page_of(repeated("<Blob/>", 4))},
      {"cut in the middle", whole.substr(0, whole.size() / 2)},
      {"cut before the last element's end", whole.substr(0, whole.size() - 5)},
      {"a NUL", page_of(named(std::string("alice/a\0b", 9)))},
      {"UTF-16", std::string("\xff\xfe<\0a\0/\0>\0", 10)},
      {"a document type", "<!DOCTYPE a [<!ENTITY b \"bbb\">]>" + whole.substr(3)},
      {"entities that grow",
       "<!DOCTYPE l [<!ENTITY a \"aa\"><!ENTITY b "
       "\"&a;&a;\">]><EnumerationResults><Blobs/><NextMarker>&b;</NextMarker>"
       "</EnumerationResults>"},
      {"an external entity",
       "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><EnumerationResults><Blobs/><NextMarker>&x;"
       "</NextMarker></EnumerationResults>"},
      {"elements that are not closed", page_of("<Blob><Name>a</Blob>")},
      {"100,000 levels", "<EnumerationResults><Blobs>" + deep},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(read(row.xml) == "no listing");
    }
  }
  BOOST_TEST(read(whole) != "no listing");
}

BOOST_AUTO_TEST_CASE(dates_are_read_and_entries_counted) {
  std::string text = page_of(xml({}) + xml({.kind = "<BlobType>PageBlob</BlobType>"}) +
                             xml({.modified = "<Last-Modified>yesterday</Last-Modified>"}));
  const auto page = BlobListPage::parse(text, kMost);
  BOOST_REQUIRE(page.has_value());
  BOOST_TEST(page->entries == 3U);
  BOOST_REQUIRE(page->blobs.size() == 2U);
  BOOST_TEST((page->blobs[0].modified == at("2026-03-01T12:00:00Z")));
  BOOST_TEST((page->blobs[1].modified == UtcSeconds{}));
}

BOOST_AUTO_TEST_SUITE_END()
