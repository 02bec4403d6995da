#pragma once
#include <rapidjson/document.h>

#include "core/config_fault.hpp"

namespace blobvalet {

/// Holds `document` against the shipped JSON Schema (blobvalet.schema.json) and appends every fault.
void check_schema(const rapidjson::Document& document, ConfigFaults& faults);

}  // namespace blobvalet
