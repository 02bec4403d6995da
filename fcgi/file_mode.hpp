#pragma once
#include <sys/types.h>

#include <string>

namespace blobvalet::fcgi {

/// The permissions of `mode`, its type left out, as chmod(1) takes them: `0640`.
[[nodiscard]] std::string octal(mode_t mode);

}  // namespace blobvalet::fcgi
