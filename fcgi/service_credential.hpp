#pragma once
#include <filesystem>
#include <string>
#include <tl/expected.hpp>

#include "core/blob_service.hpp"

namespace blobvalet::fcgi {

/// What an operator's command shows to an account to read or change its properties: the account SAS in
/// `sas_file`, or, without one, what the configuration has for the account: the key that signs, the token of
/// its identity, or its bearer token. Fails with the reason. May take a minute while an identity does not
/// answer.
[[nodiscard]] tl::expected<ServiceCredential, std::string> service_credential(
    const Config& config, std::size_t account, const std::filesystem::path& config_file,
    const std::string& sas_file);

}  // namespace blobvalet::fcgi
