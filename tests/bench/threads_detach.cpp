// What the event loop and its gate are compared with: the same App, with the same configuration and keys, in
// libfcgi's own threads, as its documentation has it, on fd 0. Each thread accepts a connection, reads its
// one request to the end, answers, and closes it detached, which spares libfcgi's wait for nginx to close it.
//
// threads_detach CONFIG THREADS
#include <fcgiapp.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "core/app.hpp"
#include "fcgi/site_loader.hpp"
#include "fcgi/system_clock.hpp"

namespace {

using namespace blobvalet;

std::string_view param(const FCGX_Request& request, const char* name) {
  const char* value = FCGX_GetParam(name, request.envp);
  return value == nullptr ? std::string_view{} : value;
}

/// What a signature depends on.
Request read_request(const FCGX_Request& fcgx) {
  Request request;
  request.endpoint = param(fcgx, "BLOBVALET_ENDPOINT");
  request.method = param(fcgx, "REQUEST_METHOD");
  request.query = param(fcgx, "QUERY_STRING");
  request.user = param(fcgx, "BLOBVALET_USER");
  request.origin = param(fcgx, "BLOBVALET_ORIGIN");
  request.remote_addr = param(fcgx, "REMOTE_ADDR");
  request.request_id = param(fcgx, "REQUEST_ID");
  return request;
}

/// To its end, since closing a connection with unread data resets it.
void skip_body(FCGX_Stream* in) {
  std::array<char, 512> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  while (FCGX_GetStr(buffer.data(), static_cast<int>(buffer.size()), in) > 0) {
  }
}

void format(const Response& response, std::string& out) {
  const bool is_text = response.content_type == ContentType::text;
  out.assign("Status: ").append(std::to_string(static_cast<unsigned>(response.status)));
  out.append("\r\nContent-Type: ").append(is_text ? "text/plain; charset=utf-8" : "application/json");
  out.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
  out.append("\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n").append(response.body);
}

void serve(const std::shared_ptr<const Site>& site) {
  const fcgi::SystemClock clock;
  App app(site, clock);
  Response response;
  std::string answer;
  FCGX_Request fcgx;
  if (FCGX_InitRequest(&fcgx, 0, 0) != 0) std::exit(1);
  while (FCGX_Accept_r(&fcgx) == 0) {
    const Request request = read_request(fcgx);
    skip_body(fcgx.in);
    app.handle(request, response);
    format(response, answer);
    FCGX_PutStr(answer.data(), static_cast<int>(answer.size()), fcgx.out);
    FCGX_Detach(&fcgx);
    FCGX_Finish_r(&fcgx);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 || FCGX_Init() != 0) return 2;
  (void)std::signal(SIGPIPE, SIG_IGN);
  const auto site = fcgi::SiteLoader(argv[1]).load();
  if (!site) return 4;
  std::vector<std::thread> threads(std::strtoul(argv[2], nullptr, 10));
  for (std::thread& thread : threads)
    thread = std::thread([&site] { serve(*site); });
  for (std::thread& thread : threads)
    thread.join();
}
