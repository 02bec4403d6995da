// What signing itself costs shows against this program: blobvalet's own event loop, and everything about it,
// with another SiteApp, which answers the same text every time. Since SiteApp is defined here, the linker
// takes none from the library. BENCH_BODY_BYTES says how much to answer; the configuration is blobvalet's.
#include <cstdlib>
#include <stdexcept>

#include "fcgi/commands.hpp"
#include "fcgi/site_app.hpp"

namespace blobvalet::fcgi {
namespace {

Response make_response() {
  const char* bytes = std::getenv("BENCH_BODY_BYTES");
  if (bytes == nullptr) throw std::runtime_error("BENCH_BODY_BYTES is not set");
  Response response;
  response.content_type = ContentType::text;
  response.body.assign(std::strtoul(bytes, nullptr, 10), 'x');
  return response;
}

}  // namespace

bool SiteApp::answer(Connection& connection, const Request& /*request*/, Time /*since*/) {
  static const Response response = make_response();
  return connection.write(response);
}

bool SiteApp::answer_busy(Connection& connection, const Request& request, Time since) {
  return answer(connection, request, since);
}

}  // namespace blobvalet::fcgi

/// As `blobvalet serve --config F` is called.
int main(int argc, char** argv) {
  if (argc != 4) return 2;
  return static_cast<int>(blobvalet::fcgi::serve(argv[3], {}));
}
