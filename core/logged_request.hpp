#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http.hpp"

namespace blobvalet {

/// What the log said of one request. Each member is the field of that name (see README, "The log"); empty or
/// nothing: the line has none.
struct LoggedRequest {
  std::string_view time;
  std::string_view request_id;
  std::string_view endpoint;
  std::string_view user;
  std::string_view remote_addr;
  std::vector<NamedValue> vars;  ///< those that patterns used then, absent ones with an empty value
  std::string_view verb;
  std::string_view account;
  std::string_view container;
  std::string_view alias;
  std::string_view blob;
  std::string_view blob_uri;
  std::string_view rule;
  std::string_view operation;
  std::string_view file_type;
  std::string_view permissions;
  std::string_view starts;
  std::string_view expires;
  std::string_view ip;
  std::string_view signature_sha256;
  std::string_view outcome;
  std::string_view code;
  std::string_view reason;
  std::string_view content_type;
  std::string_view action;
  std::optional<std::int64_t> file_size;
  std::optional<std::int64_t> part;
  std::optional<std::int64_t> status;
  std::optional<std::int64_t> lifetime_seconds;
  std::optional<std::int64_t> cut_short_seconds;
  std::optional<std::int64_t> size;
  std::optional<std::int64_t> hook_status;
  bool name_cut = false;
  bool bound = false;

  /// The value of a variable; nothing: it was not logged.
  [[nodiscard]] std::optional<std::string_view> var(std::string_view name) const;
};

/// Reads lines of the log in whatever form they come: as they were written, behind what journald or a
/// container's runtime put before them, or inside journald's own JSON (`journalctl --output=json`). Its
/// buffers are kept from one line to the next.
class LogReader {
 public:
  /// The request that `line` tells of; null if it tells of none. It lives until the next call.
  [[nodiscard]] const LoggedRequest* read(std::string_view line);

 private:
  class Fields;
  [[nodiscard]] bool parse(std::string& text);

  std::string text_;     ///< decoded in place
  std::string message_;  ///< what stood inside journald's JSON
  LoggedRequest line_;
};

}  // namespace blobvalet
