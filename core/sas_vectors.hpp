#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/sas_fields.hpp"

namespace blobvalet {

/// The outcome of a file of golden vectors.
struct SasVectorReport {
  std::size_t passed = 0;
  std::vector<std::string> failures;  ///< `id: what differs`
  std::string unreadable;             ///< why the file could not be read at all; empty: it could
};

/// Signs the vectors of a file made by an official SDK and compares string-to-sign, signature, query values
/// and the URLs' paths. Keys and expectations both come from the file; what is signed never leaves this
/// class.
class SasVectorCheck {
 public:
  /// `json` is the text of the file: `{"vectors": [...]}`, format 1 as in tests/vectors/sas-vectors.json.
  [[nodiscard]] static SasVectorReport run(std::string_view json);

 private:
  struct Vector;
  [[nodiscard]] static std::string difference(const Vector& vector);
};

}  // namespace blobvalet
