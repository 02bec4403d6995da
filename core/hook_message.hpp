#pragma once
#include <string>
#include <string_view>

#include "core/blob_probe.hpp"
#include "core/event_store.hpp"
#include "core/hmac.hpp"
#include "core/http.hpp"

namespace blobvalet {

/// What the site's application is told. Views; the message is made from them at once.
struct HookFacts {
  std::string_view event;  ///< `upload_success` or `delete_granted`
  UtcSeconds time;
  std::string_view request_id;
  std::string_view user;  ///< whom nginx vouches for; empty: nobody
  std::string_view account;
  std::string_view container;
  std::string_view blob;
  std::string_view url;   ///< the blob's address without any SAS
  std::string_view uuid;  ///< this and the two below: the page's claims
  std::string_view name;
  std::string_view params_json = "{}";         ///< an object, as nested_json() makes it
  const BlobProperties* properties = nullptr;  ///< null: Azure was not asked, or did not answer
};

/// The message: its body (UTF-8, with `?` for bytes beyond ASCII where a fact is not), its subject, and its
/// id, 32 hexadecimal digits that are the same whenever event, user, blob, claims and the blob's ETag are. A
/// callback that the client repeats thus has the id it had; a delete_granted has its request's.
[[nodiscard]] NewEvent hook_message(const HookFacts& facts);

/// `t=<unix seconds>,v1=<lower-case hexadecimal HMAC-SHA256 over "<t>.<body>">`, the value of the header
/// `Blobvalet-Signature`.
[[nodiscard]] std::string hook_signature(HmacSha256& secret, UtcSeconds now, std::string_view body);

}  // namespace blobvalet
