#pragma once
#include "core/sas_circumstances.hpp"
#include "core/sas_findings.hpp"
#include "core/sas_url.hpp"

namespace blobvalet {

/// Looks at each field of `url` by itself and beside the others, as at `now` ("Create a service SAS", "Create
/// a user delegation SAS", learn.microsoft.com), and at the name of the blob. One made of Azure's
/// string-to-sign has no host, and what only a whole URL tells is not asked of it.
void check_fields(const SasUrl& url, const SasCircumstances& known, const BlobLocation& location,
                  UtcSeconds now, SasExplanation& explanation);

/// True if values did not arrive as they were signed, so that there is no use in computing the signature.
[[nodiscard]] bool is_garbled(const SasUrl& url);

}  // namespace blobvalet
