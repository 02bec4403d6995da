#include "core/azure_error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace blobvalet {
namespace {

constexpr std::array kRows{
    AzureErrorRow{
        "AuthenticationFailed", "the signature does not fit, or the SAS is not valid now",
        "AuthenticationErrorDetail says which: the string-to-sign is compared below; else st, se and the "
        "clocks"},
    AzureErrorRow{
        "AuthorizationFailure",
        "the account's firewall does not let this address in (an emulator says so of any SAS that it "
        "does not take)",
        "Networking of the storage account; the network that the browser is in"},
    AzureErrorRow{
        "AuthorizationPermissionMismatch",
        "the SAS lacks a letter in sp for this request, or the identity behind a user delegation SAS "
        "lacks a role",
        "rules[].permissions; for an identity, Storage Blob Data Contributor on the container"},
    AzureErrorRow{
        "AuthorizationProtocolMismatch", "http was used, and spr allows https only",
        "the page's request.endpoint must be https; for an emulator sas.protocol must be https,http"},
    AzureErrorRow{
        "AuthorizationSourceIPMismatch", "the browser's address, as Azure sees it, is not in sip",
        "sas.bind_client_ip and sas.ip_range: proxies, mobile networks and clients in the same Azure "
        "region arrive from other addresses"},
    AzureErrorRow{"AuthorizationResourceTypeMismatch",
                  "the SAS is for another kind of resource (sr, or srt of an account SAS) than the URL's",
                  "sr=b fits one blob only: the URL must be that blob's"},
    AzureErrorRow{"AuthorizationServiceMismatch", "an account SAS without b in ss", "not one of blobvalet's"},
    AzureErrorRow{"UnauthorizedBlobOverwrite", "the blob is there already, and c alone may only create",
                  "rules[].permissions.PUT without w does not overwrite: a new name, or cw"},
    AzureErrorRow{"BlobNotFound", "there is no such blob, or only blocks that were never committed",
                  "the name's spelling and case; a delete of what was deleted before"},
    AzureErrorRow{"ContainerNotFound", "there is no such container in the account",
                  "az storage container create"},
    AzureErrorRow{"ResourceNotFound", "there is nothing under this URL", "account, container and path style"},
    AzureErrorRow{"AccountIsDisabled", "the storage account is disabled", "the subscription"},
    AzureErrorRow{"KeyBasedAuthenticationNotPermitted", "the account forbids SAS made with account keys",
                  "a credential of another type: README, Without an account key"},
    AzureErrorRow{"InsufficientAccountPermissions", "the account may not be written to now",
                  "locks, failover, subscription"},
    AzureErrorRow{"InvalidQueryParameterValue", "a query parameter has a value that Azure does not know",
                  "QueryParameterName in the XML: sv newer than the service, se or sp malformed, blockid"},
    AzureErrorRow{"InvalidAuthenticationInfo",
                  "the query holds a malformed SAS, or a bearer token is not valid",
                  "the order and form of the parameters; a + in the signature must be %2B"},
    AzureErrorRow{"NoAuthenticationInformation", "the request carries no SAS", "the page lost the query"},
    AzureErrorRow{"PublicAccessNotPermitted", "the request carries no SAS that Azure recognises",
                  "the page lost the query"},
    AzureErrorRow{"CorsPreflightFailure", "the account's CORS rules do not allow this page what it asks for",
                  "blobvalet cors test"},
    AzureErrorRow{"InvalidHeaderValue", "a header has a value that Azure does not take",
                  "HeaderName in the XML: often x-ms-version"},
    AzureErrorRow{"MissingRequiredHeader", "a header is missing", "x-ms-blob-type with Put Blob"},
    AzureErrorRow{"InvalidMetadata", "a name of metadata is no identifier",
                  "names of request.params: letters, digits and _, no digit first"},
    AzureErrorRow{"MetadataTooLarge", "metadata is larger than 8 KiB", "fewer or shorter request.params"},
    AzureErrorRow{"EmptyMetadataKey", "metadata has a name without a character", "request.params"},
    AzureErrorRow{"InvalidBlobOrBlock", "the block's id is not as long as those before",
                  "two uploads with different clients to one name"},
    AzureErrorRow{"InvalidBlockList", "the list names a block that is not there",
                  "a name that changed between parts spreads a file over several blobs"},
    AzureErrorRow{"InvalidBlobType", "the blob is there with another type", "delete it, or another name"},
    AzureErrorRow{"InvalidResourceName", "the container's or blob's name has a character that is not allowed",
                  "blobvalet would not have signed this name"},
    AzureErrorRow{"InvalidUri", "the URL is malformed", "raw blanks, #, ? or % in the name"},
    AzureErrorRow{"OutOfRangeInput", "a name or value is too long", "1,024 characters at most for a name"},
    AzureErrorRow{"RequestBodyTooLarge", "the part is larger than this service version takes",
                  "chunking.partSize; sas.version decides the limit"},
    AzureErrorRow{"BlobAlreadyExists", "the blob is there already", "If-None-Match, or c alone in sp"},
    AzureErrorRow{"SnapshotsPresent",
                  "the blob has snapshots, and the delete does not say what becomes of them",
                  "Fine Uploader cannot say it: delete the snapshots first"},
    AzureErrorRow{"BlobImmutableDueToPolicy", "a policy forbids changes of this blob",
                  "immutability policy, legal hold"},
    AzureErrorRow{"BlobArchived", "the blob is archived", "rehydrate it first"},
    AzureErrorRow{"ContainerBeingDeleted", "the container is being deleted", "wait, or another container"},
    AzureErrorRow{"LeaseIdMissing", "somebody holds a lease on the blob", "az storage blob lease break"},
    AzureErrorRow{"ConditionNotMet", "a condition of the request is not met", "If-Match and the like"},
    AzureErrorRow{"FeatureVersionMismatch", "this service version cannot do what was asked", "sas.version"},
    AzureErrorRow{"UnsupportedHeader", "a header that is not allowed here", "HeaderName in the XML"},
    AzureErrorRow{"UnsupportedQueryParameter", "a query parameter that is not allowed here",
                  "QueryParameterName in the XML"},
    AzureErrorRow{"ServerBusy", "Azure throttles", "the client tries again"},
    AzureErrorRow{"OperationTimedOut", "Azure was too slow", "the client tries again"},
    AzureErrorRow{"InternalError", "Azure failed", "the client tries again"},
};

std::string_view between(std::string_view text, std::string_view before, std::string_view behind) {
  const std::size_t begin = text.find(before);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + before.size());
  return text.substr(0, text.find(behind));
}

std::string with_all_replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    result.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return result.append(text);
}

/// Undoes what XML, and a JSON text around it, do to characters.
std::string plain(std::string_view text) {
  constexpr std::pair<std::string_view, std::string_view> kWritten[] = {
      {"\r\n", "\n"}, {"\\n", "\n"},    {"&#xA;", "\n"}, {"&#10;", "\n"}, {"&lt;", "<"},
      {"&gt;", ">"},  {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"},
  };
  std::string result(text);
  for (const auto& [written, meant] : kWritten)
    result = with_all_replaced(result, written, meant);
  return result;
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// A known code that stands in `text` as a word of its own; empty: none.
std::string_view known_code(std::string_view text) {
  for (const AzureErrorRow& row : kRows) {
    for (std::size_t at = text.find(row.code); at != std::string_view::npos;
         at = text.find(row.code, at + 1)) {
      const std::size_t end = at + row.code.size();
      const bool starts = at == 0 || !is_word(text[at - 1]);
      if (starts && (end == text.size() || !is_word(text[end]))) return row.code;
    }
  }
  return {};
}

}  // namespace

std::optional<AzureError> AzureError::find(std::string_view text) {
  AzureError error;
  error.code = between(text, "<Code>", "</Code>");
  if (error.code.empty()) error.code = known_code(text);
  constexpr std::string_view kUsed = "String to sign used was ";
  const std::size_t used = text.find(kUsed);
  if (error.code.empty() && used != std::string_view::npos) error.code = "AuthenticationFailed";
  if (error.code.empty()) return std::nullopt;
  error.message = plain(between(text, "<Message>", "</Message>"));
  error.detail = plain(between(text, "<AuthenticationErrorDetail>", "</AuthenticationErrorDetail>"));
  if (used != std::string_view::npos) {
    const std::string_view rest = text.substr(used + kUsed.size());
    // In XML a quotation mark is a character like any other, in an SDK's JSON it ends the text.
    const bool is_xml = text.find("<AuthenticationErrorDetail") != std::string_view::npos;
    error.string_to_sign = plain(rest.substr(0, rest.find_first_of(is_xml ? "<" : "<\"")));
  }
  // `Time:2026-03-01T12:00:00.1234567Z`; fractions of a second do not matter.
  const std::string_view time = between(text, "Time:", "Z");
  if (time.size() >= 19) error.time = std::string(time.substr(0, 19)) + "Z";
  return error;
}

const AzureErrorRow* find_azure_error(std::string_view code) {
  const auto* row = std::ranges::find(kRows, code, &AzureErrorRow::code);
  return row == kRows.end() ? nullptr : row;
}

}  // namespace blobvalet
