#include "core/media_type.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;

namespace {

#define OOXML "application/vnd.openxmlformats-officedocument."
#define ODF "application/vnd.oasis.opendocument."

struct Row {
  const char* declared;
  const char* detected;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(media_type_tests)

BOOST_AUTO_TEST_CASE(a_type_matches_a_pattern_or_does_not) {
  const struct {
    const char* pattern;
    const char* type;
    bool matches;
  } rows[] = {
      {"image/png", "image/png", true},
      {"image/png", "IMAGE/Png", true},
      {"Image/PNG", "image/png; charset=binary", true},
      {"text/html; charset=utf-8", "text/html", true},
      {"image/*", "image/svg+xml", true},
      {"IMAGE/*", "image/png;a=b", true},
      {"*/*", "application/x", true},
      {" image/png ", "\timage/png ; a", true},

      {"image/png", "image/png2", false},
      {"image/png2", "image/png", false},
      {"image/jpeg", "image/jpg", false},
      {"image/*", "imagex/png", false},
      {"image/*", "image/", false},
      {"image/*", "image", false},
      {"image/*", "application/image/png", false},
      {"image/*", "", false},
      {"image*", "image/png", false},
      {"image/p*", "image/png", false},
      {"*", "image/png", false},
      {"*/png", "image/png", false},
      {"*/*", "", false},
      {"*/*", "image", false},
      {"", "", false},
      {"", "image/png", false},
      {";", ";", false},
      {"image/png", "text/html; image/png", false},
      {"image/png", "text/html, image/png", false},
      {"image/png", "image/png, text/html", false},
      {"image/png", "image /png", false},
  };
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.pattern << " and " << row.type) {
      BOOST_TEST(matches_media_type(row.pattern, row.type) == row.matches);
    }
  }
}

BOOST_AUTO_TEST_CASE(images_are_viewable_if_nothing_in_them_runs) {
  struct Named {
    const char* type;
    const char* standard;
  };
  for (const Named& row : {Named{"image/jpeg", "image/jpeg"},
                           {"image/jpg", "image/jpeg"},
                           {"image/pjpeg", "image/jpeg"},
                           {"image/png", "image/png"},
                           {"image/gif", "image/gif"},
                           {"image/webp", "image/webp"},
                           {"image/avif", "image/avif"},
                           {"image/bmp", "image/bmp"},
                           {"IMAGE/JPEG", "image/jpeg"},
                           {"image/png; a=b", "image/png"}}) {
    BOOST_TEST_CONTEXT(row.type) {
      BOOST_TEST(viewable_image(row.type) == row.standard);
    }
  }
  for (const char* type :
       {"image/svg+xml", "IMAGE/SVG+XML", "image/svg+xml;a=image/png", "image/svg", "image/tiff",
        "image/heic", "image/*", "image/", "image", "", "*/*", "text/html", "application/pdf", "video/mp4",
        "image/png,text/html", "image/png image/gif", "image/pngx", "ximage/png"}) {
    BOOST_TEST_CONTEXT(type) {
      BOOST_TEST(viewable_image(type) == "");
    }
  }
}

BOOST_AUTO_TEST_CASE(fitting_types) {
  const Row rows[] = {
      {"image/jpeg", "image/jpeg"},
      {"image/jpg", "image/jpeg"},
      {"IMAGE/PJPEG; a=b", "image/jpeg"},
      {"image/x-png", "image/png"},
      {"image/avif", "image/heif"},
      {"image/heic", "image/heif"},
      {"image/x-ms-bmp", "image/bmp"},
      {"image/x-icon", "image/vnd.microsoft.icon"},
      {"image/svg+xml", "image/svg+xml"},
      {"image/svg+xml", "text/xml"},
      {"image/x-unknown", "application/octet-stream"},
      {"image/x-nikon-nef", "image/tiff"},
      {"video/mp4", "video/x-m4v"},
      {"video/quicktime", "video/mp4"},
      {"audio/mp4", "video/mp4"},
      {"video/mp4", "application/octet-stream"},
      {"video/x-matroska", "video/webm"},
      {"audio/webm", "video/webm"},
      {"video/MP2T", "video/mp2t"},
      {"video/mp2t", "video/MP2T"},
      {"audio/mp3", "audio/mpeg"},
      {"audio/mpeg", "application/octet-stream"},
      {"audio/wave", "audio/x-wav"},
      {"audio/aac", "audio/x-hx-aac-adts"},
      {"audio/opus", "audio/ogg"},
      {"application/pdf", "application/pdf"},
      {OOXML "wordprocessingml.document", OOXML "wordprocessingml.document"},
      {OOXML "wordprocessingml.template", OOXML "wordprocessingml.document"},
      {OOXML "spreadsheetml.sheet", "application/zip"},
      {OOXML "presentationml.presentation", "application/encrypted"},
      {ODF "text", ODF "text"},
      {ODF "text", "application/zip"},
      {"application/msword", "application/cdfv2"},
      {"application/msword", "application/CDFV2"},
      {"application/vnd.ms-excel", "text/csv"},
      {"application/x-zip-compressed", "application/zip"},
      {"application/zip", "application/epub+zip"},
      {"application/x-tgz", "application/gzip"},
      {"application/rar", "application/x-rar"},
      {"text/plain", "text/html"},
      {"text/html", "text/plain"},
      {"text/xml", "image/svg+xml"},
      {"text/plain", "application/x-empty"},
      {"text/vtt", "application/x-subrip"},
      {"application/json", "text/plain"},
      {"application/xml", "text/xml"},
      // Not judged.
      {"application/octet-stream", "application/x-dosexec"},
      {"application/vnd.acme", "text/html"},
      {"font/woff2", "application/octet-stream"},
      {"", "image/png"},
      {"image", "text/html"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.declared << " holds " << row.detected) {
      BOOST_TEST(fits_declared_type(row.declared, row.detected));
    }
  }
}

BOOST_AUTO_TEST_CASE(types_that_do_not_fit) {
  const Row rows[] = {
      {"image/jpeg", "image/png"},
      {"image/jpeg", "application/octet-stream"},
      {"image/jpeg", ""},
      {"image/jpeg", "image"},
      {"image/jpeg", "image/jpegx"},
      {"image/jpeg", "image/jpe"},
      {"image/png", "image/svg+xml"},
      {"image/png", "text/plain"},
      {"image/gif", "image/webp"},
      {"image/webp", "video/webm"},
      {"image/avif", "video/mp4"},
      {"image/heic", "image/avif"},
      {"image/bmp", "text/plain"},
      {"image/svg+xml", "text/html"},
      {"image/svg+xml", "image/png"},
      {"image/svg+xml", "application/gzip"},
      {"image/svg+xml", "application/octet-stream"},
      {"image/unknown", "text/plain"},
      {"image/unknown", "application/zip"},
      {"image/unknown", "video/mp4"},
      {"image/*", "text/html"},
      {"image/", "text/html"},
      {"image/png,text/html", "text/html"},
      {"image/png, text/html", "text/html"},
      {"video/mp4", "video/webm"},
      {"video/mp4", "audio/mpeg"},
      {"video/mp4", "image/png"},
      {"video/webm", "application/octet-stream"},
      {"video/unknown", "application/pdf"},
      {"audio/mpeg", "audio/ogg"},
      {"audio/mpeg", "text/plain"},
      {"audio/wav", "audio/mpeg"},
      {"audio/wav", "application/octet-stream"},
      {"audio/unknown", "text/html"},
      {"application/pdf", "application/postscript"},
      {"application/pdf", "application/octet-stream"},
      {"application/pdf", "application/zip"},
      {OOXML "wordprocessingml.document", OOXML "spreadsheetml.sheet"},
      {OOXML "wordprocessingml.document", "application/msword"},
      {OOXML "wordprocessingml.document", ODF "text"},
      {OOXML "spreadsheetml.sheet", "text/csv"},
      {OOXML "presentationml.presentation", "text/html"},
      {ODF "text", ODF "spreadsheet"},
      {ODF "text", OOXML "wordprocessingml.document"},
      {ODF "text", "application/octet-stream"},
      {"application/msword", "application/vnd.ms-excel"},
      {"application/msword", "application/zip"},
      {"application/msword", "text/rtf"},
      {"application/msword", "text/html"},
      {"application/vnd.ms-excel", "text/html"},
      {"application/vnd.ms-excel", "application/msword"},
      {"application/vnd.ms-powerpoint", "application/octet-stream"},
      {"application/rtf", "text/plain"},
      {"application/zip", "application/gzip"},
      {"application/zip", "application/x-rar"},
      {"application/zip", "application/octet-stream"},
      {"application/gzip", "application/x-tar"},
      {"application/x-7z-compressed", "application/zip"},
      {"application/x-rar", "application/zip"},
      {"application/x-tar", "application/gzip"},
      {"text/plain", "image/png"},
      {"text/plain", "application/zip"},
      {"text/plain", "application/pdf"},
      {"text/plain", "application/octet-stream"},
      {"text/html", "application/x-dosexec"},
      {"text/csv", "application/vnd.ms-excel"},
      {"text/", "application/zip"},
      {"application/json", "application/zip"},
      {"application/json", "application/octet-stream"},
      {"application/xml", "image/png"},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.declared << " holds " << row.detected) {
      BOOST_TEST(!fits_declared_type(row.declared, row.detected));
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_that_runs_is_an_image_video_sound_document_or_archive) {
  const char* judged[] = {"image/png",
                          "image/jpeg",
                          "image/svg+xml",
                          "image/x-unknown",
                          "video/mp4",
                          "video/x-unknown",
                          "audio/mpeg",
                          "audio/x-unknown",
                          "application/pdf",
                          "application/zip",
                          "application/msword",
                          "application/vnd.ms-excel",
                          OOXML "wordprocessingml.document",
                          ODF "text"};
  const char* running[] = {"text/html",
                           "text/x-shellscript",
                           "text/x-php",
                           "text/x-script.python",
                           "text/x-perl",
                           "text/x-msdos-batch",
                           "text/javascript",
                           "application/javascript",
                           "application/x-executable",
                           "application/x-sharedlib",
                           "application/x-pie-executable",
                           "application/x-dosexec",
                           "application/vnd.microsoft.portable-executable",
                           "application/x-mach-binary",
                           "application/x-java-applet",
                           "application/wasm",
                           "application/x-ms-shortcut"};
  for (const char* declared : judged) {
    for (const char* detected : running) {
      BOOST_TEST_CONTEXT(declared << " holds " << detected) {
        BOOST_TEST(!fits_declared_type(declared, detected));
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
