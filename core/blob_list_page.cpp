#include "core/blob_list_page.hpp"

#include <pugixml.hpp>

#include "core/ascii.hpp"
#include "core/decimal.hpp"
#include "core/http_date.hpp"

namespace blobvalet {
namespace {

constexpr std::size_t kMaxMarker = 8192;  // emulators send a name of up to 1,024 characters

/// Parses in place, with the references and CDATA of plain XML. White space counts: a blob may have a name of
/// blanks.
bool parse_xml(pugi::xml_document& document, std::string& xml) {
  if (xml.find('\0') != std::string::npos || xml.find("<!DOCTYPE") != std::string::npos) return false;
  constexpr unsigned kOptions = pugi::parse_escapes | pugi::parse_cdata | pugi::parse_ws_pcdata_single;
  return document.load_buffer_inplace(xml.data(), xml.size(), kOptions, pugi::encoding_utf8).status ==
         pugi::status_ok;
}

/// The element's text; nothing if it holds anything else. An empty one, or none, has an empty text.
std::optional<std::string_view> text_of(const pugi::xml_node& element) {
  const pugi::xml_node text = element.first_child();
  if (!text) return std::string_view();
  const bool is_text = text.type() == pugi::node_pcdata || text.type() == pugi::node_cdata;
  if (!is_text || text.next_sibling()) return std::nullopt;
  return text.value();
}

std::string_view text_of(const pugi::xml_node& parent, const char* name) {
  return text_of(parent.child(name)).value_or(std::string_view());
}

/// Azure keeps the case in which a name of metadata was sent, and compares without regard to it.
void read_metadata(ListedBlob& blob, const pugi::xml_node& metadata) {
  for (const pugi::xml_node& item : metadata.children()) {
    const std::string name = lower_case(item.name());
    if (name == "qqfilename") blob.filename = text_of(item).value_or("");
    if (name == "qquuid") blob.uuid = text_of(item).value_or("");
  }
}

/// True for what nobody asked for: snapshots, earlier versions, deleted blobs, and blocks that were never
/// committed, which have no ETag. Directories are entries of accounts with a hierarchical namespace.
bool is_no_file(const pugi::xml_node& entry, const pugi::xml_node& properties) {
  const bool is_old = entry.child("VersionId") && text_of(entry, "IsCurrentVersion") != "true";
  return is_old || entry.child("Snapshot") || text_of(entry, "Deleted") == "true" ||
         text_of(properties, "Etag").empty() || text_of(properties, "BlobType") != "BlockBlob" ||
         text_of(properties, "ResourceType") == "directory" ||
         text_of(entry.child("Metadata"), "hdi_isfolder") == "true";
}

std::optional<ListedBlob> read_blob(const pugi::xml_node& entry) {
  const pugi::xml_node properties = entry.child("Properties");
  const pugi::xml_node name = entry.child("Name");
  // Encoded: it holds a character that XML does not allow, and that we never sign either.
  const bool is_plain = name && name.attributes().empty() && !name.next_sibling("Name");
  const auto size = parse_decimal(text_of(properties, "Content-Length"));
  if (!is_plain || !size || is_no_file(entry, properties)) return std::nullopt;
  ListedBlob blob;
  blob.name = text_of(name).value_or("");
  if (blob.name.empty()) return std::nullopt;
  blob.size_bytes = *size;
  blob.modified = parse_http_date(text_of(properties, "Last-Modified")).value_or(UtcSeconds{});
  blob.content_type = text_of(properties, "Content-Type");
  read_metadata(blob, entry.child("Metadata"));
  return blob;
}

}  // namespace

std::optional<BlobListPage> BlobListPage::parse(std::string& xml, std::size_t max_entries) {
  pugi::xml_document document;
  if (!parse_xml(document, xml)) return std::nullopt;
  const pugi::xml_node root = document.child("EnumerationResults");
  const pugi::xml_node blobs = root.child("Blobs");
  const pugi::xml_node marker = root.child("NextMarker");
  const bool is_one = root && !root.next_sibling() && blobs && !blobs.next_sibling("Blobs");
  if (!is_one || !marker || marker.next_sibling("NextMarker")) return std::nullopt;
  const auto next = text_of(marker);
  if (!next || next->size() > kMaxMarker) return std::nullopt;
  BlobListPage page;
  page.next_marker = *next;
  for (const pugi::xml_node& entry : blobs.children()) {
    if (std::string_view(entry.name()) != "Blob" || ++page.entries > max_entries) return std::nullopt;
    if (auto blob = read_blob(entry)) page.blobs.push_back(std::move(*blob));
  }
  return page;
}

}  // namespace blobvalet
