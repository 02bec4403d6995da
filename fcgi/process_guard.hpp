#pragma once
#include <string>
#include <vector>

namespace blobvalet::fcgi {

/// Shuts the ways on which secrets leave a process other than by what it writes: gives SecretBytes memory
/// that is never swapped out, and lets nobody but root look into this process, by a core image, a debugger or
/// /proc/<pid>. Core images, those that root takes by gcore included, hold no memory of ours at all: buffers
/// of answers and of libraries hold signatures.
///
/// To be called once, first of all: before there is a secret, or a second thread. A child that it forks keeps
/// all of that but the locked memory; a program that it starts can be looked into again.
///
/// Returns what the machine does not grant, each a line for the log.
[[nodiscard]] std::vector<std::string> guard_process();

/// Says them. A command is over in a moment; whoever looks after daemons should know how well they are
/// guarded.
void log_guard_faults(const std::vector<std::string>& faults);

}  // namespace blobvalet::fcgi
