// What to compare with: a FastCGI responder as most are written with libfcgi, one thread, one connection for
// each request, answering the same text every time. `constant_responder N` answers N bytes on fd 0.
#include <fcgiapp.h>

#include <cstdlib>
#include <string>

namespace {

std::string make_answer(std::size_t body_bytes) {
  return "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
         std::to_string(body_bytes) +
         "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n" +
         std::string(body_bytes, 'x');
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string answer = make_answer(std::strtoul(argv[1], nullptr, 10));
  FCGX_Request request;
  if (FCGX_Init() != 0 || FCGX_InitRequest(&request, 0, 0) != 0) return 1;
  while (FCGX_Accept_r(&request) == 0) {
    FCGX_PutStr(answer.data(), static_cast<int>(answer.size()), request.out);
    FCGX_Finish_r(&request);
  }
  return 0;
}
