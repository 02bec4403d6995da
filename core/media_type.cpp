#include "core/media_type.hpp"

#include <algorithm>
#include <string>

#include "core/ascii.hpp"

namespace blobvalet {
namespace {

/// Kinds of files that go by several names. Lists are of words; `image/*` stands for all that begin so.
struct Family {
  std::string_view names;          ///< mean the same, whether declared or detected
  std::string_view also_detected;  ///< what else libmagic says of such files
};

constexpr std::string_view kOle =
    "application/x-ole-storage application/cdfv2 application/vnd.ms-office application/encrypted";
// On Windows, Excel owns .csv, and browsers declare what the registry says.
constexpr std::string_view kExcel =
    "application/x-ole-storage application/cdfv2 application/vnd.ms-office application/encrypted text/csv "
    "text/plain";
// One with a password is an OLE file. One whose parts come in an unusual order is seen as a ZIP, or, where
// custom XML comes before the document, not recognised.
constexpr std::string_view kOoxml =
    "application/zip application/octet-stream application/x-ole-storage application/cdfv2 "
    "application/encrypted";

// The first row that has the declared type among its names decides.
constexpr Family kFamilies[] = {
    {"image/jpeg image/jpg image/pjpeg", ""},
    {"image/png image/x-png image/apng image/vnd.mozilla.apng", ""},
    {"image/gif", ""},
    {"image/webp", ""},
    {"image/avif image/avif-sequence", "image/heif image/heif-sequence"},  // the brand of HEIF in general
    {"image/heic image/heif image/heic-sequence image/heif-sequence", ""},
    {"image/bmp image/x-bmp image/x-ms-bmp image/x-windows-bmp", ""},
    {"image/tiff image/tif image/x-tiff", ""},
    {"image/vnd.microsoft.icon image/x-icon image/ico", ""},
    {"image/vnd.adobe.photoshop image/x-photoshop image/psd application/x-photoshop", ""},
    {"image/jp2 image/jpx image/jpeg2000", ""},
    {"image/jxl", ""},
    // Behind a byte order mark, white space or a long comment it is not recognised.
    {"image/svg+xml", "text/xml application/xml text/plain"},

    // Sound and pictures share these containers, and libmagic goes by the brand: it takes PSP video for
    // audio.
    {"video/mp4 video/x-m4v video/m4v video/quicktime video/3gpp video/3gpp2 video/3gp application/mp4 "
     "audio/mp4 audio/x-m4a audio/m4a audio/mp4a-latm audio/3gpp audio/3gpp2",
     "application/octet-stream"},
    {"video/webm audio/webm video/x-matroska audio/x-matroska video/matroska audio/matroska", ""},
    {"video/ogg audio/ogg application/ogg audio/opus audio/vorbis audio/speex", ""},
    {"video/x-ms-asf video/x-ms-wmv audio/x-ms-wma", ""},
    {"video/x-msvideo video/avi video/msvideo video/vnd.avi", ""},
    {"video/mpeg video/mpg video/x-mpeg video/mp2t video/mp2p", ""},
    {"video/x-flv video/flv", ""},
    {"audio/mpeg audio/mp3 audio/x-mp3 audio/x-mpeg audio/mpeg3 audio/x-mpeg-3", "application/octet-stream"},
    {"audio/aac audio/x-aac audio/aacp audio/x-hx-aac-adts audio/x-hx-aac-adif", ""},
    {"audio/wav audio/x-wav audio/wave audio/vnd.wave", ""},
    {"audio/flac audio/x-flac", ""},
    {"audio/aiff audio/x-aiff", ""},
    {"audio/midi audio/x-midi audio/mid", ""},
    {"audio/amr audio/amr-nb audio/amr-wb", ""},

    {"application/pdf application/x-pdf", ""},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.*", kOoxml},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.*", kOoxml},
    {"application/vnd.openxmlformats-officedocument.presentationml.*", kOoxml},
    {"application/vnd.oasis.opendocument.text", "application/zip"},
    {"application/vnd.oasis.opendocument.spreadsheet", "application/zip"},
    {"application/vnd.oasis.opendocument.presentation", "application/zip"},
    {"application/vnd.oasis.opendocument.graphics", "application/zip"},
    {"application/msword", kOle},
    {"application/vnd.ms-excel", kExcel},
    {"application/vnd.ms-powerpoint", kOle},
    {"application/rtf", "text/rtf"},

    {"application/zip application/x-zip-compressed application/x-zip",
     "application/vnd.openxmlformats-officedocument.* application/vnd.oasis.opendocument.* "
     "application/vnd.ms-visio.drawing.main+xml application/epub+zip application/java-archive "
     "application/vnd.android.package-archive"},
    {"application/gzip application/x-gzip application/x-tgz application/x-compressed-tar", ""},
    {"application/x-7z-compressed", ""},
    {"application/vnd.rar application/x-rar application/x-rar-compressed application/rar", ""},
    {"application/x-tar application/x-gtar application/x-ustar application/tar", ""},
    {"application/x-bzip2 application/x-bzip application/bzip2", ""},
    {"application/x-xz", ""},
    {"application/zstd application/x-zstd", ""},

    {"application/json", "application/x-ndjson text/*"},
    {"application/xml", "image/svg+xml text/*"},
    {"text/*",
     "application/json application/x-ndjson application/xml application/javascript application/x-subrip "
     "application/pgp-* message/rfc822 image/svg+xml application/x-empty"},
    // Formats that libmagic may not know; what it does know to be something else does not fit.
    {"image/*", "application/octet-stream"},
    {"video/*", "application/octet-stream"},
    {"audio/*", "application/octet-stream"},
};

/// The first of each row is the standard name.
constexpr std::string_view kViewable[] = {
    "image/jpeg image/jpg image/pjpeg", "image/png", "image/gif", "image/webp", "image/avif", "image/bmp"};

/// One or more of RFC 9110's tchar.
bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  const auto is_tchar = [=](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, is_tchar);
}

/// The media type without its parameters, in lower case.
std::string essence(std::string_view type) {
  constexpr std::string_view kBlanks = " \t";
  type = type.substr(0, type.find(';'));
  const std::size_t first = type.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return lower_case(type.substr(first, type.find_last_not_of(kBlanks) - first + 1));
}

bool matches_word(std::string_view word, std::string_view type) {
  if (!word.ends_with('*')) return word == type;
  word.remove_suffix(1);
  return type.starts_with(word);
}

bool lists(std::string_view words, std::string_view type) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (matches_word(words.substr(0, end), type)) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

}  // namespace

bool is_media_type(std::string_view text) {
  const auto is_printable = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (text.size() > kMaxMediaType || text.ends_with(' ')) return false;
  if (!std::ranges::all_of(text, is_printable)) return false;
  std::string_view essence = text.substr(0, text.find(';'));
  essence = essence.substr(0, essence.find_last_not_of(' ') + 1);
  const std::size_t slash = std::min(essence.find('/'), essence.size());
  return is_token(essence.substr(0, slash)) && is_token(essence.substr(std::min(slash + 1, essence.size())));
}

bool matches_media_type(std::string_view pattern, std::string_view type) {
  const std::string wanted = essence(pattern);
  const std::string given = essence(type);
  if (wanted == "*/*") return given.find('/') != std::string::npos;
  if (wanted.ends_with("/*")) return given.size() >= wanted.size() && matches_word(wanted, given);
  return !wanted.empty() && wanted == given;
}

std::string_view viewable_image(std::string_view type) {
  const std::string wanted = essence(type);
  const auto* names =
      std::ranges::find_if(kViewable, [&](std::string_view row) { return lists(row, wanted); });
  return names == std::end(kViewable) ? std::string_view{} : names->substr(0, names->find(' '));
}

bool fits_declared_type(std::string_view declared, std::string_view detected) {
  const std::string promised = essence(declared);
  const std::string found = essence(detected);
  const auto* family =
      std::ranges::find_if(kFamilies, [&](const Family& f) { return lists(f.names, promised); });
  if (family == std::end(kFamilies)) return true;
  return lists(family->names, found) || lists(family->also_detected, found);
}

}  // namespace blobvalet
