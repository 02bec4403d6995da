#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/blob_target.hpp"
#include "core/config_fault.hpp"
#include "core/hook_options.hpp"
#include "core/key_source.hpp"
#include "core/policy.hpp"
#include "core/upload_success.hpp"

namespace blobvalet {

/// How our own requests to an account (not those that browsers send) prove who we are.
struct RequestAuthorization {
  enum class Kind : std::uint8_t {
    sas,         ///< a SAS of five minutes for the one blob, signed by the account's signing key
    shared_key,  ///< Shared Key, with the same key
    bearer,      ///< the token in `token_file`, which something else keeps fresh
  };
  Kind kind = Kind::sas;
  std::string token_file = {};
};

/// A storage account and where its keys are. Two keys are known during a rotation; `use_next` says which one
/// signs.
struct Account {
  std::string name;
  std::vector<EndpointUrl> endpoints;  ///< the endpoint, then its aliases
  KeySource current_key;
  std::optional<KeySource> next_key;
  bool use_next = false;
  RequestAuthorization requests;
};

struct SuccessOptions {
  FormLimits limits;
  bool accept_put = false;          ///< `PUT` beside `POST`
  std::optional<HookOptions> hook;  ///< nothing: nobody is told
  /// Where workers remember for an hour why they deleted blobs; need not exist.
  std::string state_directory = "/var/lib/blobvalet";
};

struct ServerOptions {
  unsigned threads = 16;   ///< threads for callbacks; signatures are answered by the event loop itself
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
