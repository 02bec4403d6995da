#pragma once
#include <functional>
#include <optional>
#include <string>

#include "core/config.hpp"
#include "core/object_reader.hpp"

namespace blobvalet {

/// Takes a fault of the configuration: the path, and what is wrong there.
using ReportFault = std::function<void(std::string, std::string)>;

/// The members that say where a key or another secret is.
struct SecretMembers {
  const char* file;
  const char* environment;
  const char* credential;
};
inline constexpr SecretMembers kKeyMembers{"key_file", "key_env", "key_credential"};
inline constexpr SecretMembers kSecretMembers{"secret_file", "secret_env", "secret_credential"};

/// Where `object` says that a secret is. Nothing, reported, unless it has exactly one of `members`.
[[nodiscard]] std::optional<KeySource> read_secret_source(const ObjectReader& object,
                                                          const SecretMembers& members,
                                                          const ReportFault& report);

/// Reads `accounts[].credential` into the account, whose endpoints are read already.
void read_credential(Account& account, const ObjectReader& credential, const ReportFault& report);

/// True for plain http to another machine. An emulator on this one may do without TLS.
[[nodiscard]] bool leaves_in_the_clear(const EndpointUrl& endpoint);

}  // namespace blobvalet
