#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/logged_request.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// A SAS by the name that Azure's storage log has for it, and what that log says of its use.
struct WantedSas {
  std::string sha256;  ///< 64 digits in lower case
  std::string used_at;
  std::string used_from;  ///< Azure writes a port behind the address
  std::string operation;
  std::string status;
};

/// The SAS that `text` speaks of, each once: 64 hexadecimal digits, SAS URLs or their queries, or lines of
/// Azure's storage log (`SasSignature(...)` in JSON, CSV or anything else), any number of each.
[[nodiscard]] std::vector<WantedSas> wanted_sas(std::string_view text);

/// Finds in blobvalet's log who was given a SAS.
class SasTrace {
 public:
  /// One line of the log that gave a SAS away.
  struct Grant {
    explicit Grant(const LoggedRequest& line);
    std::string time;
    std::string request_id;
    std::string endpoint;
    std::string user;
    std::string remote_addr;
    std::vector<std::pair<std::string, std::string>> vars;
    std::string verb;
    std::string account;
    std::string container;
    std::string blob;
    std::string rule;
    std::string permissions;
    std::string starts;
    std::string expires;
    std::string ip;
    std::string sha256;
    [[nodiscard]] bool is_of_same_person(const Grant& other) const;
  };
  struct Found {
    WantedSas wanted;
    std::vector<Grant> grants;  ///< more than one if equal requests came within a second
    std::vector<Grant> around;  ///< what else the same person was given about then
  };
  /// What was searched.
  struct Searched {
    std::uint64_t requests = 0;
    std::uint64_t grants = 0;  ///< of these, lines that name a SAS
    std::string from;          ///< the earliest and the latest line's time
    std::string to;
  };

  /// `around`: also what the same person was given so long before and after.
  SasTrace(std::vector<WantedSas> wanted, std::optional<std::chrono::seconds> around);

  /// Looks at the next line of the log, whose lines come in the order of time.
  void read(const LoggedRequest& line);
  [[nodiscard]] const std::vector<Found>& found() const { return found_; }
  [[nodiscard]] const Searched& searched() const { return searched_; }

 private:
  void look_back(Found& sas);
  void remember(const LoggedRequest& line);

  std::optional<std::chrono::seconds> around_;
  std::vector<Found> found_;
  Searched searched_;
  std::deque<std::pair<UtcSeconds, Grant>> recent_;
};

}  // namespace blobvalet
