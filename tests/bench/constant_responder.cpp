// What to compare with: FastCGI responders as they are written with libfcgi, one connection for each request,
// answering the same text every time, on fd 0. `constant_responder N` answers N bytes in one thread, as most
// do. `constant_responder N T` has T threads, and detaches each connection, which spares libfcgi's wait for
// nginx to close it.
#include <fcgiapp.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string make_answer(std::size_t body_bytes) {
  return "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
         std::to_string(body_bytes) +
         "\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n" +
         std::string(body_bytes, 'x');
}

/// To its end, since closing a connection with unread data resets it.
void skip_body(FCGX_Stream* in) {
  char buffer[512];
  while (FCGX_GetStr(buffer, sizeof buffer, in) > 0) {
  }
}

void serve(const std::string& answer, bool detach) {
  FCGX_Request request;
  if (FCGX_InitRequest(&request, 0, 0) != 0) std::exit(1);
  while (FCGX_Accept_r(&request) == 0) {
    if (detach) skip_body(request.in);
    FCGX_PutStr(answer.data(), static_cast<int>(answer.size()), request.out);
    if (detach) FCGX_Detach(&request);
    FCGX_Finish_r(&request);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3 || FCGX_Init() != 0) return 2;
  const std::string answer = make_answer(std::strtoul(argv[1], nullptr, 10));
  if (argc == 2) {
    serve(answer, false);
    return 0;
  }
  std::vector<std::thread> threads(std::strtoul(argv[2], nullptr, 10));
  for (std::thread& thread : threads)
    thread = std::thread([&answer] { serve(answer, true); });
  for (std::thread& thread : threads)
    thread.join();
}
