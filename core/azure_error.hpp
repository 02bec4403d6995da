#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace blobvalet {

/// What Azure says when it refuses a request: its XML, as a browser's console, curl or an SDK shows it.
struct AzureError {
  std::string code;                           ///< such as `AuthenticationFailed`
  std::string message;                        ///< empty if only the code was pasted
  std::string detail;                         ///< `AuthenticationErrorDetail`
  std::optional<std::string> string_to_sign;  ///< what it computed the signature of
  std::string time;                           ///< of its own clock, `2026-03-01T12:00:00Z`; empty: not said

  /// Nothing if `text` holds neither such XML nor a code that is known here.
  [[nodiscard]] static std::optional<AzureError> find(std::string_view text);
};

/// What a code means for a browser's upload and what to look at.
struct AzureErrorRow {
  std::string_view code;
  std::string_view means;
  std::string_view mend;
};

/// The row of a code ("Common REST API error codes" and "Blob Storage error codes", learn.microsoft.com, and
/// where blobvalet's requests meet them); null: one that is not known here.
[[nodiscard]] const AzureErrorRow* find_azure_error(std::string_view code);

}  // namespace blobvalet
