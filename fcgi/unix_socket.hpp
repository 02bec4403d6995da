#pragma once
#include <string>

namespace blobvalet::fcgi {

/// What is wrong with a listening unix socket that everybody on this machine can connect to, and would be
/// believed about who the user is: one whose file others can write, or one without a file (an abstract one;
/// unix(7)). Empty if there is nothing wrong, if it is no unix socket, or if its file cannot be seen from
/// here.
[[nodiscard]] std::string fault_of_unix_listener(int socket);

}  // namespace blobvalet::fcgi
