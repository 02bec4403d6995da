#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/http.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// What the log says of a SAS that is given away: who may do what until when, and by what Azure's own log
/// names it; never the signature.
struct GivenSas {
  std::string_view permissions;       ///< sp
  std::optional<UtcSeconds> start;    ///< st
  UtcSeconds expiry{};                ///< se
  std::chrono::seconds lifetime{};    ///< what the rule says
  std::string_view ip;                ///< sip
  bool is_bound = false;              ///< fits one declared PUT only
  std::string_view signature_sha256;  ///< see SignatureHash; empty: not wanted
};

/// What the log says of one request: these fields and no others, so that neither a key nor a signature can
/// get into it. Views stay valid until the next request.
struct Event {
  std::string_view endpoint;
  std::string_view request_id;
  std::string_view user;
  std::string_view remote_addr;
  /// Values for `{name}`, of those names only that patterns use; empty where nginx passes none.
  std::span<const NamedValue> vars;
  std::string_view verb;  ///< PUT or DELETE; empty until known
  std::string_view account;
  std::string_view container;
  std::string_view blob;
  std::string_view folder;            ///< what names begin with that were listed
  std::optional<std::size_t> listed;  ///< how many files the answer names
  std::string_view alias;             ///< the endpoint that addressed it, if it is not the account's own
  std::string_view blob_uri;          ///< what the client sent, where that is no blob of ours
  std::string_view rule;
  std::string_view
      operation;  ///< of a declared PUT; `size_bytes` and `content_type` are then the page's word
  // The page's word for the file, where a signature is asked for.
  std::optional<std::uint64_t> file_size;
  std::string_view file_type;
  std::optional<std::uint32_t> part;  ///< which the SAS is first for
  Status status = Status::ok;
  std::string_view code;          ///< `ok`, or the error's code
  std::string_view reason;        ///< what the client is not told
  std::optional<GivenSas> given;  ///< the SAS in the answer
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
