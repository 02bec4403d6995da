#pragma once
#include <vector>

#include "core/sas_circumstances.hpp"
#include "core/sas_findings.hpp"
#include "core/sas_url.hpp"
#include "core/string_to_sign.hpp"

namespace blobvalet {

/// Compares the signature of `url` with what each key makes of the fields, and if none fits says of what it
/// was made, as far as that can be found. Neither signature nor key gets into the explanation.
void check_signature(const SasUrl& url, const SasCircumstances& known, const BlobLocation& location,
                     const std::vector<SignedField>& fields, SasExplanation& explanation);

}  // namespace blobvalet
