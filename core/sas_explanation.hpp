#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/azure_error.hpp"
#include "core/sas_url.hpp"
#include "core/signing_key.hpp"
#include "core/string_to_sign.hpp"

namespace blobvalet {

/// One thing that was found out.
struct Finding {
  enum class Level : std::uint8_t {
    fault,    ///< Azure, or blobvalet, refuses because of it
    warning,  ///< it may be what is wrong
    note,     ///< good to know
  };
  Level level;
  std::string field;  ///< such as `se` or `bloburi`
  std::string what;   ///< and, where that helps, what to do
};

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

/// A field of the string-to-sign, side by side.
struct ComparedField {
  std::string_view name;
  std::string ours;
  std::optional<std::string> azures;  ///< nothing: Azure did not say
};

/// All that can be said of a SAS.
struct SasExplanation {
  std::vector<Finding> findings;
  std::vector<ComparedField> fields;   ///< empty: the string-to-sign cannot be rebuilt
  std::vector<std::string> unchecked;  ///< what it would take to check more
  bool is_verified = false;            ///< a key of ours made the signature of these very fields

  [[nodiscard]] bool has_fault() const;
};

/// Looks at every field of `url`, rebuilds the string-to-sign, and compares it with the one in Azure's error
/// and the signature with what the keys make of it ("Create a service SAS", "Create a user delegation SAS",
/// learn.microsoft.com). Neither signature nor key gets into the explanation.
[[nodiscard]] SasExplanation explain_sas(const SasUrl& url, const SasCircumstances& circumstances);

/// The same of an error without its URL: what the code means, and the fields that Azure's string-to-sign
/// tells.
[[nodiscard]] SasExplanation explain_error(const SasCircumstances& circumstances);

}  // namespace blobvalet
