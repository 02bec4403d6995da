#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/azure_error.hpp"
#include "core/http.hpp"
#include "core/signing_key.hpp"
#include "core/utc_time.hpp"

namespace blobvalet {

/// A key that may have signed, under the name that the configuration has for it.
struct NamedKey {
  std::string name;  ///< `acmeuploads, current`
  std::shared_ptr<const SigningKey> key;
};

/// What is known beside the SAS itself.
struct SasCircumstances {
  UtcSeconds now{};
  std::string method;               ///< of the request that carries it; empty: not said
  std::string remote_addr;          ///< of who sent it; empty: not said
  std::vector<NamedValue> headers;  ///< of the request; names in lower case
  std::optional<AzureError> error;  ///< what Azure said to it
  std::string account;              ///< the URL's, as the configuration calls it; empty: it has none such
  std::string endpoint_path;        ///< of the account's endpoint, see locate()
  std::vector<NamedKey> keys;       ///< of that account
};

}  // namespace blobvalet
