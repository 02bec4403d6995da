#pragma once

namespace blobvalet::fcgi {

/// Takes the pages of code and constants that are mapped so far off this process, which is said to be done
/// with its start. The kernel maps sixteen for each one that is touched, and reading a configuration and
/// setting up OpenSSL touch many that no request does. They stay in the page cache, from which those that are
/// needed come back. madvise(2), MADV_DONTNEED.
void release_code_pages();

}  // namespace blobvalet::fcgi
