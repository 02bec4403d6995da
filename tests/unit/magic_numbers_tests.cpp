#include "core/media_type.hpp"
#include "fcgi/adapters/magic_numbers.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::fcgi;
using namespace blobvalet::testing;

namespace {

constexpr std::size_t kProbedBytes = 65536;
const std::string kDocx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const std::string kXlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const std::string kOdt = "application/vnd.oasis.opendocument.text";

template <std::size_t N>
std::string bytes(const char (&literal)[N]) {
  return std::string(literal, N - 1);
}
std::string zeros(std::size_t count) {
  return std::string(count, '\0');
}
std::string little_endian(std::size_t value, int width) {
  std::string text;
  for (int i = 0; i < width; ++i, value >>= 8U)
    text.push_back(static_cast<char>(value & 0xffU));
  return text;
}

/// A stored ZIP entry; libmagic reads local headers only.
std::string zip_entry(std::string_view name, std::string_view content = "<x/>") {
  return bytes("PK\3\4\x14\0\0\0\0\0\0\0\x21\0") + zeros(4) + little_endian(content.size(), 4) +
         little_endian(content.size(), 4) + little_endian(name.size(), 2) + zeros(2) + std::string(name) +
         std::string(content);
}
std::string ooxml(std::string_view part) {
  return zip_entry("[Content_Types].xml") + zip_entry("_rels/.rels") + zip_entry(part) +
         zip_entry("docProps/app.xml");
}
std::string docx_with_custom_xml() {
  std::string file = zip_entry("[Content_Types].xml");
  for (int i = 0; i < 12; ++i)
    file += zip_entry("customXml/item" + std::to_string(i) + ".xml", repeated("a", 100));
  return file + zip_entry("word/document.xml");
}

std::string ole_entry(std::string_view name, char type, std::string_view child) {
  std::string utf16;
  for (const char c : name)
    utf16 += {c, '\0'};
  utf16 += zeros(2);
  const std::string length = little_endian(utf16.size(), 2);
  utf16.resize(64);
  return utf16 + length + std::string{type, '\1'} + repeated("\xff", 8) + std::string(child) + zeros(36) +
         bytes("\xfe\xff\xff\xff") + zeros(8);
}
/// A compound file of one stream.
std::string ole(std::string_view stream) {
  std::string header =
      bytes("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") + zeros(16) + bytes("\x3e\0\3\0\xfe\xff\x09\0\6\0") +
      zeros(10) +
      bytes("\1\0\0\0\1\0\0\0\0\0\0\0\0\x10\0\0\xfe\xff\xff\xff\0\0\0\0\xfe\xff\xff\xff\0\0\0\0\0\0\0\0");
  std::string table = bytes("\xfd\xff\xff\xff\xfe\xff\xff\xff");
  header.resize(512, '\xff');
  table.resize(512, '\xff');
  std::string directory =
      ole_entry("Root Entry", 5, bytes("\1\0\0\0")) + ole_entry(stream, 2, "\xff\xff\xff\xff");
  directory.resize(512);
  return header + table + directory;
}

std::string iso_media(std::string_view brand) {
  return bytes("\0\0\0\x10") + "ftyp" + std::string(brand) + zeros(4) + bytes("\0\0\0\x08") + "free";
}
std::string ebml(std::string_view type) {
  return bytes("\x1a\x45\xdf\xa3") + static_cast<char>(0x80U + 7 + type.size()) +
         bytes("\x42\x86\x81\1\x42\x82") + static_cast<char>(0x80U + type.size()) + std::string(type) +
         bytes("\x18\x53\x80\x67") + zeros(50);
}
std::string ogg(std::string_view packet) {
  return bytes("OggS\0\2") + zeros(20) + bytes("\1") + static_cast<char>(packet.size()) + std::string(packet);
}
std::string tar() {
  std::string header = "a";
  header.resize(100);
  header += bytes(
      "0000644\0"
      "0000000\0"
      "0000000\0"
      "00000000003\0"
      "00000000000\0"
      "006101\0 0");
  header.resize(257);
  header += bytes(
      "ustar\0"
      "00");
  header.resize(512);
  return header + zeros(1024);
}
/// No magic number, and no text either.
std::string noise() {
  std::string text;
  for (unsigned i = 0, state = 1; i < 4096; ++i, state = state * 1103515245U + 12345U)
    text.push_back(static_cast<char>(state >> 16U));
  return text;
}

const std::string kPng = bytes("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90\x77\x53\xde");
const std::string kJpeg = bytes("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb") + zeros(60);
const std::string kElf = bytes(
                             "\x7f"
                             "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0\1\0\0\0") +
                         zeros(60);
const std::string kExe = "MZ" + zeros(58) + bytes("\x40\0\0\0PE\0\0\x64\x86\1\0") + zeros(200);
const std::string kHtml = "<!DOCTYPE html><html><body><script>alert(1)</script></body></html>";
const std::string kScript = "#!/bin/sh\nrm -rf /\n";
const std::string kMp3 = repeated(bytes("\xff\xfb\x90\x64") + zeros(413), 4);
const std::string kMp3WithCover = bytes("ID3\3\0\0\0\3\x70\0APIC") + zeros(70000);

}  // namespace

BOOST_AUTO_TEST_SUITE(magic_numbers_tests)

BOOST_AUTO_TEST_CASE(files_are_recognised_and_fit_what_browsers_declare) {
  const struct {
    const char* declared;
    std::string file;
    std::string detected;
  } rows[] = {
      {"image/png", kPng, "image/png"},
      {"image/jpeg", kJpeg, "image/jpeg"},
      {"image/gif", bytes("GIF89a\1\0\1\0\x80\0\0"), "image/gif"},
      {"image/webp", bytes("RIFF\x64\0\0\0WEBPVP8 ") + zeros(100), "image/webp"},
      {"image/avif", iso_media("avif"), "image/avif"},
      {"image/avif", iso_media("mif1"), "image/heif"},
      {"image/heic", iso_media("heic"), "image/heic"},
      {"image/tiff", bytes("II*\0\x08\0\0\0") + zeros(50), "image/tiff"},
      {"image/svg+xml", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "image/svg+xml"},
      {"image/svg+xml", "\xef\xbb\xbf<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "text/plain"},
      {"video/mp4", iso_media("isom"), "video/mp4"},
      {"video/mp4", iso_media("MSNV"), "audio/mp4"},
      {"video/mp4", iso_media("XAVC"), "application/octet-stream"},
      {"video/quicktime", iso_media("qt  "), "video/quicktime"},
      {"video/quicktime", bytes("\0\0\0\x08wide\0\0\x07\xd0mdat") + zeros(200), "application/octet-stream"},
      {"audio/x-m4a", iso_media("M4A "), "audio/x-m4a"},
      {"video/webm", ebml("webm"), "video/webm"},
      {"video/x-matroska", ebml("matroska"), "video/x-matroska"},
      {"video/mp2t", repeated(bytes("\x47\x40\0\x10") + zeros(184), 8), "video/mp2t"},
      {"video/avi", bytes("RIFF\x64\0\0\0AVI LIST") + zeros(100), "video/x-msvideo"},
      {"audio/mpeg", kMp3, "audio/mpeg"},
      {"audio/mp3", kMp3WithCover, "application/octet-stream"},
      {"audio/wav",
       bytes("RIFF\x64\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data") + zeros(50),
       "audio/x-wav"},
      {"audio/ogg", ogg(bytes("\1vorbis\0\0\0\0\2\x44\xac\0\0") + zeros(14)), "audio/ogg"},
      {"audio/flac", bytes("fLaC\0\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xf0") + zeros(40),
       "audio/flac"},
      {"application/pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"},
      {kDocx.c_str(), ooxml("word/document.xml"), kDocx},
      {kDocx.c_str(), docx_with_custom_xml(), "application/octet-stream"},
      {kDocx.c_str(), ole("EncryptedPackage"), "application/encrypted"},
      {kXlsx.c_str(), ooxml("xl/workbook.xml"), kXlsx},
      {kOdt.c_str(), zip_entry("mimetype", kOdt) + zip_entry("content.xml"), kOdt},
      {kOdt.c_str(), zip_entry("content.xml") + zip_entry("mimetype", kOdt), "application/zip"},
      {"application/msword", ole("WordDocument"), "application/msword"},
      {"application/vnd.ms-excel", ole("Workbook"), "application/vnd.ms-excel"},
      {"application/vnd.ms-excel", "a,b,c\n1,2,3\n4,5,6\n", "text/csv"},
      {"application/vnd.ms-powerpoint", ole("PowerPoint Document"), "application/x-ole-storage"},
      {"application/x-zip-compressed", zip_entry("a.txt") + zip_entry("b.txt"), "application/zip"},
      {"application/zip", ooxml("word/document.xml"), kDocx},
      {"application/x-gzip", bytes("\x1f\x8b\x08\0\0\0\0\0\2\xff") + zeros(20), "application/gzip"},
      {"application/x-7z-compressed", bytes("7z\xbc\xaf\x27\x1c\0\4") + zeros(30),
       "application/x-7z-compressed"},
      {"application/vnd.rar", bytes("Rar!\x1a\7\1\0") + zeros(30), "application/x-rar"},
      {"application/x-tar", tar(), "application/x-tar"},
      {"text/plain; charset=utf-8", "h\xc3\xa4llo\n", "text/plain"},
      {"text/plain", bytes("\xff\xfeh\0i\0\n\0"), "text/plain"},
      {"text/plain", "", "application/x-empty"},
      {"text/csv", "a,b,c\n1,2,3\n4,5,6\n", "text/csv"},
      {"text/x-sh", kScript, "text/x-shellscript"},
      {"application/json", "{\"a\":1}", "application/json"},
      {"application/octet-stream", kElf, "application/x-executable"},
      {"application/vnd.acme", noise(), "application/octet-stream"},
  };
  LibMagic magic;
  for (const auto& row : rows) {
    BOOST_TEST_CONTEXT(row.declared << " as " << row.detected) {
      const std::string detected = magic.media_type(std::string_view(row.file).substr(0, kProbedBytes));
      BOOST_TEST(detected == row.detected);
      BOOST_TEST(fits_declared_type(row.declared, detected));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_something_else_does_not_fit) {
  const struct {
    const char* name;
    std::string file;
  } impostors[] = {{"HTML", kHtml},
                   {"HTML behind white space", "  \n" + kHtml},
                   {"a script", kScript},
                   {"ELF", kElf},
                   {"a Windows program", kExe},
                   {"a Java class", bytes("\xca\xfe\xba\xbe\0\0\0\x34")},
                   {"PHP", "<?php system($_GET['c']);"},
                   {"text", "hello\n"},
                   {"nothing", ""}};
  const std::string judged[] = {
      "image/png",  "image/jpeg", "image/gif",          "image/webp",      "image/avif",
      "image/bmp",  "image/tiff", "image/heic",         "image/x-unknown", "video/mp4",
      "video/webm", "audio/mpeg", "audio/wav",          "application/pdf", kDocx,
      kXlsx,        kOdt,         "application/msword", "application/zip", "application/gzip"};
  LibMagic magic;
  for (const auto& impostor : impostors) {
    const std::string detected = magic.media_type(impostor.file);
    for (const std::string& declared : judged) {
      BOOST_TEST_CONTEXT(impostor.name << " (" << detected << ") as " << declared) {
        BOOST_TEST(!fits_declared_type(declared, detected));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(one_kind_is_not_another) {
  const struct {
    const char* declared;
    std::string file;
  } rows[] = {
      {"image/png", kJpeg},
      {"image/jpeg", kPng},
      {"image/png", noise()},
      {"image/bmp", "BM=1;alert(1)//"},
      {"image/svg+xml", kHtml},
      {"image/svg+xml", kPng},
      {"video/webm", iso_media("isom")},
      {"video/mp4", ebml("webm")},
      {"audio/mpeg", iso_media("isom")},
      {"application/pdf", zip_entry("a.txt")},
      {"application/pdf", noise()},
      {kDocx.c_str(), ooxml("xl/workbook.xml")},
      {kDocx.c_str(), "%PDF-1.7\n"},
      {kXlsx.c_str(), ooxml("word/document.xml")},
      {kOdt.c_str(), ooxml("word/document.xml")},
      {"application/msword", ooxml("word/document.xml")},
      {"application/msword", ole("Workbook")},
      {"application/vnd.ms-excel", kHtml},
      {"application/zip", bytes("7z\xbc\xaf\x27\x1c\0\4") + zeros(30)},
      {"application/gzip", zip_entry("a.txt")},
      {"text/plain", kPng},
      {"text/html", zip_entry("a.txt")},
      {"text/plain", kElf},
      {"text/csv", noise()},
      {"application/json", kElf},
  };
  LibMagic magic;
  for (const auto& row : rows) {
    const std::string detected = magic.media_type(row.file);
    BOOST_TEST_CONTEXT(detected << " as " << row.declared) {
      BOOST_TEST(!fits_declared_type(row.declared, detected));
    }
  }
}

BOOST_AUTO_TEST_CASE(text_cut_within_a_character_is_text) {
  const std::string text = "a" + repeated("\xc3\xa9", 40000);
  BOOST_TEST(LibMagic().media_type(std::string_view(text).substr(0, kProbedBytes)) == "text/plain");
}

BOOST_AUTO_TEST_CASE(no_bytes_at_all_are_an_empty_file) {
  BOOST_TEST(LibMagic().media_type({}) == "application/x-empty");
}

BOOST_AUTO_TEST_CASE(a_database_that_cannot_be_loaded_is_an_error) {
  ::setenv("MAGIC", "/nonexistent/magic", 1);
  BOOST_CHECK_THROW((void)LibMagic().media_type("hello\n"), std::runtime_error);
  ::unsetenv("MAGIC");
  BOOST_TEST(LibMagic().media_type("hello\n") == "text/plain");
}

BOOST_AUTO_TEST_SUITE_END()
