// The query of a signature request: what parses is what the browser wrote, in any order, once and no more.
#include <algorithm>

#include "core/signature_request.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/reference.hpp"

namespace blobvalet::fuzz {
namespace {

void require_same(std::string_view query, const SignatureRequest& expected, const char* property) {
  std::string buffer;
  const auto parsed = SignatureRequest::parse(query, buffer);
  require(parsed && parsed->verb == expected.verb && parsed->blob_uri == expected.blob_uri, property);
}

void require_refused(std::string_view query, Errc errc, const char* property) {
  std::string buffer;
  const auto parsed = SignatureRequest::parse(query, buffer);
  require(!parsed && parsed.error().errc == errc, property);
}

void check_accepted(std::string_view query, const SignatureRequest& request) {
  const auto pairs = read_form(query);
  const auto count = [&](std::string_view name) {
    return std::ranges::count(pairs, name, [](const auto& pair) { return pair.first; });
  };
  require(count("_method") == 1 && count("bloburi") == 1, "each parameter stands there exactly once");
  const auto uri = std::ranges::find(pairs, "bloburi", [](const auto& pair) { return pair.first; });
  require(uri->second == request.blob_uri, "the blob's URI is the decoded parameter");

  const std::string method = "_method=" + std::string(name_of(request.verb));
  const std::string encoded = "bloburi=" + encode(request.blob_uri);
  require_same(method + "&" + encoded, request, "printed and parsed again it is equal");
  require_same(encoded + "&&qqtimestamp=1&" + method, request, "neither order nor other parameters matter");
  require_refused(std::string(query) + "&" + method, Errc::duplicate_parameter,
                  "a second _method is refused");
  require_refused(std::string(query) + "&" + encoded, Errc::duplicate_parameter,
                  "a second bloburi is refused");
}

}  // namespace
}  // namespace blobvalet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace blobvalet;
  const std::string_view query = fuzz::as_text(data, size);
  std::string buffer;
  if (const auto request = SignatureRequest::parse(query, buffer)) fuzz::check_accepted(query, *request);
  return 0;
}
