#include "core/blob_check.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;
using namespace std::literals;

namespace {

BlobProperties picture() {
  BlobProperties properties;
  properties.size_bytes = 5;
  properties.content_type = "image/png";
  properties.blob_type = "BlockBlob";
  properties.etag = "\"0x8D1\"";
  properties.content_md5 = "XUFAKrxLKna5cZ2REBfFkg==";
  properties.filename = "a.png";
  return properties;
}

template <class Change>
BlobProperties picture_with(Change change) {
  BlobProperties properties = picture();
  change(properties);
  return properties;
}
BlobProperties sized(std::uint64_t size) {
  return picture_with([=](BlobProperties& p) { p.size_bytes = size; });
}
BlobProperties typed(const char* type) {
  return picture_with([=](BlobProperties& p) { p.content_type = type; });
}
BlobProperties of_kind(const char* kind) {
  return picture_with([=](BlobProperties& p) { p.blob_type = kind; });
}
BlobProperties copied(const char* status) {
  return picture_with([=](BlobProperties& p) { p.copy_status = status; });
}

template <class Change>
VerifyOptions options_with(Change change) {
  VerifyOptions options;
  change(options);
  return options;
}
VerifyOptions sizes(std::uint64_t least, std::optional<std::uint64_t> most) {
  return options_with([=](VerifyOptions& o) {
    o.min_bytes = least;
    o.max_bytes = most;
  });
}
VerifyOptions types(std::vector<std::string> patterns) {
  return options_with([&](VerifyOptions& o) { o.content_types = patterns; });
}
VerifyOptions extensions(std::vector<std::string> list) {
  return options_with([&](VerifyOptions& o) { o.extensions = list; });
}

std::string code_of(const std::optional<Error>& error) {
  return std::string(error ? error_row(error->errc).code.view() : "ok");
}

struct Row {
  const char* name;
  VerifyOptions options;
  BlobProperties properties;
  const char* code;
  std::string blob = "bob/a.png";
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(code_of(broken_rule(row.options, row.blob, row.properties)) == row.code);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(blob_check_tests)

BOOST_AUTO_TEST_CASE(only_finished_block_blobs_are_accepted) {
  check({
      {"a block blob", {}, picture(), "ok"},
      {"a copy that is complete", {}, copied("success"), "ok"},
      {"a page blob", {}, of_kind("PageBlob"), "blob_type_not_allowed"},
      {"an append blob", {}, of_kind("AppendBlob"), "blob_type_not_allowed"},
      {"no kind", {}, of_kind(""), "blob_type_not_allowed"},
      {"another case", {}, of_kind("blockblob"), "blob_type_not_allowed"},
      {"a kind that begins alike", {}, of_kind("BlockBlob2"), "blob_type_not_allowed"},
      {"a copy under way", {}, copied("pending"), "copy_incomplete"},
      {"a copy broken off", {}, copied("aborted"), "copy_incomplete"},
      {"a copy that failed", {}, copied("failed"), "copy_incomplete"},
      {"a copy of unknown state", {}, copied("Success"), "copy_incomplete"},
  });
}

BOOST_AUTO_TEST_CASE(sizes_are_bounded_on_both_sides) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0};
  check({
      {"nothing asked, empty", {}, sized(0), "ok"},
      {"nothing asked, huge", {}, sized(kMost), "ok"},
      {"the least", sizes(5, std::nullopt), sized(5), "ok"},
      {"the most", sizes(0, 5), sized(5), "ok"},
      {"the only size", sizes(5, 5), sized(5), "ok"},
      {"empty, where that is the most", sizes(0, 0), sized(0), "ok"},
      {"the most there is", sizes(kMost, kMost), sized(kMost), "ok"},
      {"a byte too few", sizes(5, std::nullopt), sized(4), "blob_too_small"},
      {"empty", sizes(1, std::nullopt), sized(0), "blob_too_small"},
      {"a byte too many", sizes(0, 5), sized(6), "blob_too_large"},
      {"a byte, where none is allowed", sizes(0, 0), sized(1), "blob_too_large"},
      {"beyond 32 bits", sizes(0, 4294967295U), sized(4294967296U), "blob_too_large"},
      {"almost the most there is", sizes(kMost, std::nullopt), sized(kMost - 1), "blob_too_small"},
  });
}

BOOST_AUTO_TEST_CASE(the_extension_is_that_of_the_last_segment) {
  const auto jpg = extensions({"jpg", "tar.gz", "jpeg"});
  check({
      {"any", {}, picture(), "ok", "bob/a"},
      {"listed", jpg, picture(), "ok", "a.jpg"},
      {"listed second", jpg, picture(), "ok", "bob/a.jpeg"},
      {"upper case", jpg, picture(), "ok", "bob/A.JPG"},
      {"mixed case", jpg, picture(), "ok", "bob/a.JpG"},
      {"the last of several", jpg, picture(), "ok", "bob/a.exe.jpg"},
      {"two dots", jpg, picture(), "ok", "bob/a..jpg"},
      {"a dot file with an extension", jpg, picture(), "ok", "bob/.hidden.jpg"},
      {"beyond ASCII", jpg, picture(), "ok", "bob/\xc3\xa4.jpg"},
      {"another", jpg, picture(), "extension_not_allowed", "bob/a.png"},
      {"none", jpg, picture(), "extension_not_allowed", "bob/a"},
      {"only a dot at the end", jpg, picture(), "extension_not_allowed", "bob/a."},
      {"a dot file", jpg, picture(), "extension_not_allowed", "bob/.jpg"},
      {"a dot file at the top", jpg, picture(), "extension_not_allowed", ".jpg"},
      {"the name alone", jpg, picture(), "extension_not_allowed", "jpg"},
      {"not the last", jpg, picture(), "extension_not_allowed", "bob/a.jpg.exe"},
      {"of the folder", jpg, picture(), "extension_not_allowed", "bob.jpg/a"},
      {"of the folder, and a dot file", jpg, picture(), "extension_not_allowed", "a.jpg/.jpg"},
      {"longer", jpg, picture(), "extension_not_allowed", "a.jpgx"},
      {"shorter", jpg, picture(), "extension_not_allowed", "a.jp"},
      {"a blank behind it", jpg, picture(), "extension_not_allowed", "a.jpg "},
      {"a folder without a name", jpg, picture(), "extension_not_allowed", "a.jpg/"},
      {"of two parts: never matches", jpg, picture(), "extension_not_allowed", "a.tar.gz"},
      {"its look-alike", jpg, picture(), "extension_not_allowed", "a.j\xd1\x80g"},
  });
}

BOOST_AUTO_TEST_CASE(the_content_type_is_compared_without_its_parameters) {
  const auto images = types({"image/*", "application/pdf"});
  check({
      {"any", {}, typed(""), "ok"},
      {"of a listed kind", images, typed("image/png"), "ok"},
      {"listed", images, typed("application/pdf"), "ok"},
      {"upper case", images, typed("IMAGE/PNG"), "ok"},
      {"parameters", images, typed("application/pdf; version=1.7"), "ok"},
      {"parameters without a blank", images, typed("application/pdf;x=y"), "ok"},
      {"anything with a type", types({"*/*"}), typed("application/octet-stream"), "ok"},
      {"another", images, typed("text/html"), "content_type_not_allowed"},
      {"none", images, typed(""), "content_type_not_allowed"},
      {"a kind alone", images, typed("image"), "content_type_not_allowed"},
      {"a kind that begins alike", images, typed("imagex/png"), "content_type_not_allowed"},
      {"a type that begins alike", images, typed("application/pdfx"), "content_type_not_allowed"},
      {"hidden in a parameter", images, typed("text/html; x=image/png"), "content_type_not_allowed"},
      {"hidden behind a comma", images, typed("text/html, image/png"), "content_type_not_allowed"},
      {"the pattern's own text", types({"application/pdf"}), typed("application/*"),
       "content_type_not_allowed"},
      {"only a parameter", images, typed(";image/png"), "content_type_not_allowed"},
      {"no type, where any will do", types({"*/*"}), typed(""), "content_type_not_allowed"},
  });
}

BOOST_AUTO_TEST_CASE(a_file_name_may_be_asked_for) {
  const auto required = options_with([](VerifyOptions& o) { o.require_filename = true; });
  const BlobProperties none = picture_with([](BlobProperties& p) { p.filename.clear(); });
  check({
      {"not asked for", {}, none, "ok"},
      {"there", required, picture(), "ok"},
      {"not there", required, none, "filename_missing"},
  });
}

// What is told first is what the site's owner cannot have meant at all.
BOOST_AUTO_TEST_CASE(the_first_broken_rule_is_told) {
  VerifyOptions options = sizes(3, 4);
  options.extensions = {"jpg"};
  options.content_types = {"image/jpeg"};
  options.require_filename = true;
  BlobProperties properties = of_kind("PageBlob");
  properties.copy_status = "pending";
  properties.filename.clear();
  const auto next = [&] { return code_of(broken_rule(options, "a.png", properties)); };
  BOOST_TEST(next() == "blob_type_not_allowed");
  properties.blob_type = "BlockBlob";
  BOOST_TEST(next() == "copy_incomplete");
  properties.copy_status.clear();
  BOOST_TEST(next() == "blob_too_large");
  properties.size_bytes = 2;
  BOOST_TEST(next() == "blob_too_small");
  properties.size_bytes = 3;
  BOOST_TEST(next() == "extension_not_allowed");
  options.extensions = {"png"};
  BOOST_TEST(next() == "content_type_not_allowed");
  properties.content_type = "image/jpeg";
  BOOST_TEST(next() == "filename_missing");
  properties.filename = "a";
  BOOST_TEST(next() == "ok");
}

BOOST_AUTO_TEST_CASE(what_the_page_says_before_it_uploads) {
  const auto said = [](std::optional<std::uint64_t> size, std::string_view type = {}) {
    return UploadHints{size, type, {}};
  };
  const UploadHints nothing;
  const UploadHints part{{}, {}, 49'999};
  const struct {
    const char* name;
    VerifyOptions options;
    UploadHints hints;
    const char* code;
    std::string blob = "bob/a.png";
  } rows[] = {
      {"nothing said, nothing wanted", {}, nothing, "ok"},
      {"all said, nothing wanted", {}, said(99, "text/html"), "ok"},
      {"nothing said of the size", sizes(1, 5), nothing, "ok"},
      {"nothing said of the type", types({"image/*"}), nothing, "ok"},
      {"only the part", sizes(1, 5), part, "ok"},
      {"as large as may be", sizes(1, 5), said(5), "ok"},
      {"as small as may be", sizes(1, 5), said(1), "ok"},
      {"too large", sizes(1, 5), said(6), "blob_too_large"},
      {"much too large", sizes(0, 5), said(UploadHints::kMaxBytes), "blob_too_large"},
      {"anything is too large", sizes(0, 0), said(1), "blob_too_large"},
      {"too small", sizes(1, 5), said(0), "blob_too_small"},
      {"the type", types({"image/*"}), said({}, "image/png"), "ok"},
      {"the type in capitals, with parameters", types({"image/png"}), said({}, "IMAGE/PNG; q=1"), "ok"},
      {"another type", types({"image/*"}), said({}, "text/html"), "content_type_not_allowed"},
      {"what the browser does not know", types({"image/*"}), said({}, "application/octet-stream"),
       "content_type_not_allowed"},
      {"a type that begins alike", types({"image/png"}), said({}, "image/png2"), "content_type_not_allowed"},
      {"a type in a parameter", types({"image/png"}), said({}, "text/html;x=image/png"),
       "content_type_not_allowed"},
      {"the name's extension, nothing said", extensions({"png"}), nothing, "ok"},
      {"the name's extension in capitals", extensions({"png"}), nothing, "ok", "bob/A.PNG"},
      {"another extension, nothing said", extensions({"png"}), nothing, "extension_not_allowed", "bob/a.exe"},
      {"another extension, a type that fits", extensions({"png"}), said(1, "image/png"),
       "extension_not_allowed", "bob/a.exe"},
      {"the last extension counts", extensions({"png"}), nothing, "extension_not_allowed", "bob/a.png.exe"},
      {"no extension", extensions({"png"}), nothing, "extension_not_allowed", "bob/png"},
      {"a name that begins with its dot", extensions({"png"}), nothing, "extension_not_allowed", "bob/.png"},
      {"a dot at the end", extensions({"png"}), nothing, "extension_not_allowed", "bob/a.png."},
      {"a directory's extension", extensions({"png"}), nothing, "extension_not_allowed", "bob.png/a"},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      BOOST_TEST(code_of(broken_rule(row.options, row.blob, row.hints)) == row.code);
    }
  }
}

BOOST_AUTO_TEST_CASE(claims_of_the_page_must_be_borne_out) {
  using Params = std::vector<std::pair<std::string, std::string>>;
  const auto by_size = options_with([](VerifyOptions& o) { o.size_parameter = "qqtotalfilesize"; });
  const std::string md5 = picture().content_md5;
  const std::string other = "1B2M2Y8AsgTpgAmY7PhCfg==";
  struct Claim {
    const char* name;
    VerifyOptions options;
    Params params;
    const char* code;
  };
  const Claim rows[] = {
      {"none", {}, {}, "ok"},
      {"a size that nobody asks for", {}, {{"qqtotalfilesize", "6"}}, "ok"},
      {"its size", by_size, {{"a", "b"}, {"qqtotalfilesize", "5"}}, "ok"},
      {"its MD5", {}, {{"Content-MD5", md5}}, "ok"},
      {"its MD5 as chunked uploads claim it", {}, {{"x-ms-blob-content-md5", md5}}, "ok"},
      {"both", {}, {{"x-ms-blob-content-md5", md5}, {"Content-MD5", md5}}, "ok"},
      {"an MD5 under another name", {}, {{"content-md5", other}, {"md5", other}}, "ok"},
      {"no size", by_size, {}, "size_mismatch"},
      {"an empty size", by_size, {{"qqtotalfilesize", ""}}, "size_mismatch"},
      {"a byte more", by_size, {{"qqtotalfilesize", "6"}}, "size_mismatch"},
      {"a byte less", by_size, {{"qqtotalfilesize", "4"}}, "size_mismatch"},
      {"zeros before it", by_size, {{"qqtotalfilesize", "05"}}, "size_mismatch"},
      {"a sign", by_size, {{"qqtotalfilesize", "+5"}}, "size_mismatch"},
      {"a blank", by_size, {{"qqtotalfilesize", "5 "}}, "size_mismatch"},
      {"a fraction", by_size, {{"qqtotalfilesize", "5.0"}}, "size_mismatch"},
      {"the same modulo 2^64", by_size, {{"qqtotalfilesize", "18446744073709551621"}}, "size_mismatch"},
      {"under another name", by_size, {{"QQTOTALFILESIZE", "5"}}, "size_mismatch"},
      {"another MD5", {}, {{"Content-MD5", other}}, "md5_mismatch"},
      {"another MD5, chunked", {}, {{"x-ms-blob-content-md5", other}}, "md5_mismatch"},
      {"one of two", {}, {{"Content-MD5", md5}, {"x-ms-blob-content-md5", other}}, "md5_mismatch"},
      {"an empty MD5", {}, {{"Content-MD5", ""}}, "md5_mismatch"},
      {"the MD5 in hexadecimal", {}, {{"Content-MD5", "5d41402abc4b2a76b9719d911017c592"}}, "md5_mismatch"},
      {"size before MD5", by_size, {{"Content-MD5", other}}, "size_mismatch"},
  };
  for (const Claim& row : rows) {
    BOOST_TEST_CONTEXT(row.name) {
      UploadSuccess upload;
      upload.params = row.params;
      BOOST_TEST(code_of(broken_claim(row.options, upload, picture())) == row.code);
    }
  }
}

BOOST_AUTO_TEST_CASE(an_md5_is_claimed_of_a_blob_that_has_none) {
  UploadSuccess upload;
  upload.params = {{"Content-MD5", "XUFAKrxLKna5cZ2REBfFkg=="}};
  const BlobProperties none = picture_with([](BlobProperties& p) { p.content_md5.clear(); });
  BOOST_TEST(code_of(broken_claim({}, upload, none)) == "md5_mismatch");
}

BOOST_AUTO_TEST_SUITE_END()
