#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/http.hpp"

namespace blobvalet {

/// What the log says of one request: these fields and no others, so that neither a key nor a signature can
/// get into it. Views stay valid until the next request.
struct Event {
  std::string_view endpoint;
  std::string_view request_id;
  std::string_view user;
  std::string_view verb;  ///< PUT or DELETE; empty until known
  std::string_view account;
  std::string_view container;
  std::string_view blob;
  std::string_view rule;
  Status status = Status::ok;
  std::string_view code;    ///< `ok`, or the error's code
  std::string_view reason;  ///< what the client is not told
  // What Azure said of a callback's blob.
  std::optional<bool> verified;  ///< nothing: nobody asked
  std::optional<std::uint64_t> size_bytes;
  std::string_view content_type;
  std::string_view etag;
  std::string_view last_modified;
  std::string_view
      action;  ///< what became of a blob that breaks a rule: `kept`, `deleted`, `not_deleted`, ...
  /// By how much a SAS lasts shorter than its rule says, since its user delegation key does not last longer.
  std::optional<std::chrono::seconds> cut_short;
  std::optional<int> hook_status;  ///< HTTP status of the application's answer; 0: none
};

}  // namespace blobvalet
