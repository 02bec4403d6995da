#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/blob_target.hpp"
#include "core/config_fault.hpp"
#include "core/cors_options.hpp"
#include "core/hook_options.hpp"
#include "core/identity_options.hpp"
#include "core/ip_address.hpp"
#include "core/key_source.hpp"
#include "core/limit_options.hpp"
#include "core/policy.hpp"
#include "core/session_options.hpp"
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
  std::string ca_file = {};  ///< certificates to trust in place of the system's; empty: those
};

/// A storage account, and what signs for it: account keys, of which two are known during a rotation
/// (`use_next` says which one signs), or user delegation keys that an identity fetches.
struct Account {
  std::string name;
  std::vector<EndpointUrl> endpoints;       ///< the endpoint, then its aliases
  std::optional<IdentityOptions> identity;  ///< nothing: account keys
  KeySource current_key;                    ///< without an identity
  std::optional<KeySource> next_key;
  bool use_next = false;
  RequestAuthorization requests;
};

/// What `blobvalet keys renew` shares with the workers of its machine.
struct KeyOptions {
  /// User delegation keys, what became of fetching them, and the clock's skew. In memory, so below /run.
  std::string directory = "/run/blobvalet/keys";
  /// Health is red if the clock differs from Azure's by more.
  std::chrono::seconds max_clock_skew{60};
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
  /// What all workers of the machine have counted. In memory, so below /run.
  std::string metrics_file = "/run/blobvalet/metrics";
  /// On a TCP socket: who may connect, since they say which user a request comes from. Empty: nobody.
  std::vector<IpNetwork> allow_from = {};
  bool allow_public_bind = false;  ///< the TCP socket may have an address that is not private
  bool audit_log = true;  ///< one line for each SAS that is given away, with what Azure's log calls it
};

/// The configuration file, checked. README lists every key with its default.
struct Config {
  std::vector<Account> accounts;
  BlobNames blob_names = BlobNames::raw;
  std::vector<Rule> rules;
  SuccessOptions success;
  SessionOptions session;
  KeyOptions keys;
  LimitOptions limits;
  ServerOptions server;
  CorsOptions cors;

  /// Reads `json` and checks it against the schema and the rules that a schema cannot state. On failure every
  /// fault is returned, not just the first.
  [[nodiscard]] static tl::expected<Config, ConfigFaults> parse(std::string_view json);
};

}  // namespace blobvalet
