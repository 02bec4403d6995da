#include "core/session_files.hpp"

#include <algorithm>

#include "core/media_type.hpp"
#include "core/percent_encoding.hpp"
#include "core/thumbnail.hpp"
#include "core/uploaded_file.hpp"

namespace blobvalet {
namespace {

/// The blob of this name beside the folder that is listed; nothing if it cannot be signed.
std::optional<BlobTarget> target_of(const ListGrant& list, std::string_view name) {
  const auto blob = BlobName::parse(name);
  if (!blob) return std::nullopt;
  BlobTarget target = list.folder();
  target.blob = *blob;
  return target;
}

/// What marks a directory in some programs.
bool is_marker(std::string_view name, std::string_view folder) {
  return name.ends_with('/') || name.size() <= folder.size();
}

}  // namespace

SessionFiles::SessionFiles(const Site& site, SasSigners& signers, const Clock& clock, AuditTrail& audit,
                           const CallbackPorts& ports)
    : options_(site.session()),
      blob_names_(site.blob_names()),
      signers_(signers),
      clock_(clock),
      audit_(audit),
      timer_(ports.timer),
      azure_(ports.http, ports.timer, ports.azure_durations),
      authorization_(site, signers, clock, ports.secret_files),
      listing_(azure_, ports.timer, clock, authorization_, options_) {}

Result<void> SessionFiles::answer(const std::vector<ListGrant>& lists, std::string_view folder,
                                  Response& response, Event& event) {
  found_.clear();
  uuids_.clear();
  given_.clear();
  hashes_.clear();
  looked_at_ = 0;
  cut_ = "";
  if (const auto found = find(lists, folder); !found) return found;
  write(folder, response, event);
  return {};
}

Result<void> SessionFiles::find(const std::vector<ListGrant>& lists, std::string_view folder) {
  const Timer::Time deadline = timer_.now() + options_.deadline;
  for (const ListGrant& list : lists) {
    if (auto found = find_in(list, folder, deadline); !found) return found;
  }
  return {};
}

Result<void> SessionFiles::find_in(const ListGrant& list, std::string_view folder, Timer::Time deadline) {
  std::string marker;
  do {
    if (looked_at_ >= options_.max_blobs) {
      cut_ = "there are more blobs than session.max_blobs";
      return {};
    }
    auto page = listing_.page(list, marker, options_.max_blobs - looked_at_, deadline);
    if (!page) return tl::unexpected(page.error());
    // A page may be empty and not the last; even so there is an end.
    looked_at_ += std::max<std::size_t>(page->entries, 1);
    take_in(*page, list, folder);
    marker = std::move(page->next_marker);
  } while (!marker.empty());
  return {};
}

/// Only what the policy grants, whatever Azure has said.
void SessionFiles::take_in(BlobListPage& page, const ListGrant& list, std::string_view folder) {
  for (ListedBlob& blob : page.blobs) {
    if (is_marker(blob.name, folder)) continue;
    const auto target = target_of(list, blob.name);
    if (target && list.admit(*target, clock_.now())) found_.push_back({std::move(blob), &list});
  }
  keep_newest();
}

void SessionFiles::keep_newest() {
  const auto is_before = [](const Found& a, const Found& b) {
    return a.blob.modified != b.blob.modified ? a.blob.modified > b.blob.modified : a.blob.name < b.blob.name;
  };
  std::ranges::sort(found_, is_before);
  if (found_.size() <= options_.max_files) return;
  found_.resize(options_.max_files);
  if (cut_.empty()) cut_ = "there are more files than session.max_files";
}

void SessionFiles::write(std::string_view folder, Response& response, Event& event) {
  std::string& body = response.body;
  constexpr std::string_view kEnd = R"(,"more":true}])";
  std::size_t written = 0;
  body.assign("[");
  for (const Found& found : found_) {
    const std::size_t given = given_.size();
    const std::string text = item(found, folder, event);
    if (body.size() + text.size() + kEnd.size() > kMaxAnswerBytes) {
      given_.resize(given);  // what it holds is not given away
      cut_ = "the answer would be larger than 1 MiB";
      break;
    }
    body.append(written == 0 ? "" : "},").append(text);
    ++written;
  }
  if (written > 0) body.append(cut_.empty() ? "}" : R"(,"more":true})");
  body.append("]");
  event.listed = written;
  event.reason = cut_.view();
}

/// `{"name":...,...`, to be closed.
std::string SessionFiles::item(const Found& found, std::string_view folder, const Event& event) {
  const ListedBlob& blob = found.blob;
  const auto target = target_of(*found.list, blob.name);
  const std::string uuid = unused_uuid(blob, *target);
  std::string name(std::string_view(blob.name).substr(folder.size()));
  if (blob_names_ == BlobNames::uri) {
    std::string encoded;
    append_path_encoded(encoded, name);
    name = std::move(encoded);
  }
  std::string text = "{\"name\":" + json_string(file_name(blob));
  text.append(",\"uuid\":").append(json_string(uuid));
  text.append(",\"size\":").append(std::to_string(blob.size_bytes));
  text.append(",\"blobName\":").append(json_string(name));
  const auto grant = found.list->admit(*target, clock_.now());
  const std::string thumbnail = thumbnail_url(*grant, blob, uuid, event);
  if (!thumbnail.empty()) text.append(",\"thumbnailUrl\":").append(json_string(thumbnail));
  return text;
}

/// Fine Uploader takes two files of one UUID for one. Their uploaders may have given them any.
std::string SessionFiles::unused_uuid(const ListedBlob& blob, const BlobTarget& target) {
  std::string uuid = file_uuid(blob, target);
  if (std::ranges::find(uuids_, uuid) != uuids_.end()) uuid = made_uuid(target);
  return uuids_.emplace_back(std::move(uuid));
}

std::string SessionFiles::thumbnail_url(const SasGrant& grant, const ListedBlob& blob, std::string_view uuid,
                                        const Event& event) {
  const ThumbnailOptions& options = grant.rule().thumbnail;
  const std::string_view type = viewable_image(blob.content_type);
  if (options.kind == ThumbnailOptions::Kind::none || type.empty()) return {};
  if (options.kind == ThumbnailOptions::Kind::url_template)
    return thumbnail_address(options.url, grant.target(), uuid);
  std::string url;
  const UtcSeconds now = clock_.now();
  // Without a key there is no picture, but the file is there all the same.
  const SasGrant viewing = grant.for_viewing(type, options.lifetime, now);
  const auto sas = signers_.append_sas_uri(url, viewing, now);
  if (!sas) return {};
  note(event, viewing, *sas);
  return url;
}

void SessionFiles::note(const Event& event, const SasGrant& grant, const IssuedSas& sas) {
  Event& given = given_.emplace_back(event);
  given.blob = grant.target().blob.view();
  given.rule = grant.rule().name;
  audit_.note(given, grant, sas);
  std::string_view& hash = given.given->signature_sha256;
  if (hash.empty()) return;
  SignatureHash& kept = hashes_.emplace_back();  // the next one takes the place of the trail's own
  std::ranges::copy(hash, kept.begin());
  hash = {kept.data(), kept.size()};
}

}  // namespace blobvalet
