#pragma once
#include "core/identity_options.hpp"

namespace blobvalet::fcgi {

/// What this process's environment says of identities. The two secrets among it are overwritten there, so
/// that /proc/<pid>/environ does not show them: to be called once.
[[nodiscard]] IdentityEnvironment take_identity_environment();

}  // namespace blobvalet::fcgi
