#pragma once
#include "core/sas_circumstances.hpp"
#include "core/sas_findings.hpp"
#include "core/sas_url.hpp"

namespace blobvalet {

/// Looks at every field of `url`, rebuilds the string-to-sign, and compares it with the one in Azure's error
/// and the signature with what the keys make of it ("Create a service SAS", "Create a user delegation SAS",
/// learn.microsoft.com). Neither signature nor key gets into the explanation.
[[nodiscard]] SasExplanation explain_sas(const SasUrl& url, const SasCircumstances& circumstances);

/// The same of an error without its URL: what the code means, and the fields that Azure's string-to-sign
/// tells.
[[nodiscard]] SasExplanation explain_error(const SasCircumstances& circumstances);

}  // namespace blobvalet
