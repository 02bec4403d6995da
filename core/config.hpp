#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/blob_target.hpp"
#include "core/config_fault.hpp"
#include "core/policy.hpp"
#include "core/upload_success.hpp"

namespace blobvalet {

/// Where an account key is kept; the key itself never stands in the configuration.
struct KeySource {
  enum class Kind : std::uint8_t {
    file,         ///< a file of mode 0600 or 0400
    environment,  ///< an environment variable
    credential,   ///< a systemd credential (LoadCredential=)
  };
  Kind kind = Kind::file;
  std::string name;  ///< file name, variable name or credential name
};

/// A storage account and where its keys are. Two keys are known during a rotation; `use_next` says which one
/// signs.
struct Account {
  std::string name;
  std::vector<EndpointUrl> endpoints;  ///< the endpoint, then its aliases
  KeySource current_key;
  std::optional<KeySource> next_key;
  bool use_next = false;
};

struct SuccessOptions {
  FormLimits limits;
  bool accept_put = false;  ///< `PUT` beside `POST`
};

struct ServerOptions {
  unsigned threads = 1;    ///< threads for callbacks; signatures are answered by the event loop itself
  bool access_log = true;  ///< one line for each request
};

/// The configuration file, checked. README lists every key with its default.
struct Config {
  std::vector<Account> accounts;
  BlobNames blob_names = BlobNames::raw;
  std::vector<Rule> rules;
  SuccessOptions success;
  ServerOptions server;

  /// Reads `json` and checks it against the schema and the rules that a schema cannot state. On failure every
  /// fault is returned, not just the first.
  [[nodiscard]] static tl::expected<Config, ConfigFaults> parse(std::string_view json);
};

}  // namespace blobvalet
