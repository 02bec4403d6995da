// Whether libfcgi refuses a parameter whose length it cannot add up (CVE-2025-23016): exit code 0 if it does.
// A library that is too old asks for a negative amount of memory and dies, before it writes anywhere.
// https://nvd.nist.gov/vuln/detail/CVE-2025-23016
#include <fcgiapp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace {

// BEGIN_REQUEST of a responder, then PARAMS with a name of 2^31-1 bytes and a value of 1, of which none
// follow.
constexpr std::array<unsigned char, 29> kRequest{1, 1, 0, 1, 0, 8, 0, 0, 0, 1,    0,    0,    0,    0, 0,
                                                 0, 1, 4, 0, 1, 0, 5, 0, 0, 0xff, 0xff, 0xff, 0xff, 1};

}  // namespace

int main() {
  const rlimit no_core{};
  (void)::setrlimit(RLIMIT_CORE, &no_core);
  std::array<int, 2> ends{};
  FCGX_Request request;
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) return 2;
  if (FCGX_Init() != 0 || FCGX_InitRequest(&request, -1, 0) != 0) return 2;
  if (::write(ends[0], kRequest.data(), kRequest.size()) != ssize_t{kRequest.size()}) return 2;
  (void)::close(ends[0]);
  request.ipcFd = ends[1];
  request.keepConnection = 1;
  return FCGX_Accept_r(&request) < 0 ? 0 : 1;
}
